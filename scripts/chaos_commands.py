"""Commands that come to their end: killed on the way, they must leave the same files."""

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TASK = (
    "task=surface_defect",
    "data.image_size=32",
    "data.images_per_class=4",
    "trainer.device=cpu",
    "trainer.workers=0",
    "trainer.checkpoint_every=1",
)
PLACES = ("paths.runs=runs", "paths.features=features")
SAID = "said"
"""The file in a folder with what the last process there said."""


@dataclass
class Command:
    """A command that is killed, and given again until it comes to its end.

    Attributes:
        words: Of the command.
        files: What it writes when nothing kills it, by path; known after `uninterrupted`.
    """

    words: Sequence[str]
    files: dict[str, bytes] = field(default_factory=dict)

    def uninterrupted(self, folder: Path) -> float:
        """Run it without any kill; return how many seconds it takes."""
        seconds = carried_out([*self.words, *PLACES], folder)
        self.files = results(folder)
        return seconds

    def broken_off(
        self, folder: Path, seconds: float, most: int, moments: random.Random
    ) -> tuple[int, str, bool]:
        """Kill it at random moments, `most` times at most.

        Returns:
            The kills, what is said of the results, and whether they are right.
        """
        kills = 0
        while True:
            process = start([*self.words, *PLACES], folder)
            if kills < most:
                time.sleep(moments.uniform(0.0, seconds))
                os.kill(process, signal.SIGKILL)  # without effect on one that has ended
            _, status = os.waitpid(process, 0)
            if not os.WIFSIGNALED(status):
                break
            kills += 1
        if os.WEXITSTATUS(status) != 0:
            print((folder / SAID).read_text(), file=sys.stderr)
        elif results(folder) == self.files:
            return kills, f"{len(self.files)} files the same", True
        return kills, "LOST: the results differ", False


def carried_out(words: Sequence[str], folder: Path) -> float:
    """Run a command to its end and return how many seconds it took; leave where it fails."""
    started = time.monotonic()
    _, status = os.waitpid(start(words, folder), 0)
    if status != 0:
        said = (folder / SAID).read_text()
        sys.exit(f"mlff {' '.join(words)}: fails without any kill:\n{said}")
    return time.monotonic() - started


def start(words: Sequence[str], folder: Path) -> int:
    """Fork a process that runs a command in the folder; return its number."""
    folder.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        os.chdir(folder)
        said = os.open(SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(said, 1)
        os.dup2(said, 2)
        from mlff_cli.cli.main import main as mlff

        mlff(list(words))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def results(folder: Path) -> dict[str, bytes]:
    """Return the content of all files that must be the same, by path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(_files(folder))}


def _files(folder: Path) -> Iterator[Path]:
    for run in (done.parent for done in folder.glob("runs/*/*/DONE")):
        yield run / "matrix.csv"
        yield run / "predictions.csv"
        yield from (run / "adapters").iterdir()
