"""Kill `mlff train` and `mlff sweep` (-9) at random moments, resume, compare; print the count.

A subject is a command on a tiny task. It is run once without interruption; then, in an empty
folder, again and again: each process is killed after a random share of that time, and the same
command follows until one comes to its end. Every `matrix.csv`, `predictions.csv` and file of
`adapters/` must then be, byte for byte, what the uninterrupted run wrote; if not, the kills of that
round are lost and nothing more is tried.

Each process is forked from this one, which has done the imports already: so the kills fall on
what the command does, and not on the loading of its libraries.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A fork does not carry threads over.
os.environ["OMP_NUM_THREADS"] = "1"

TASK = (
    "task=surface_defect",
    "data.image_size=32",
    "data.images_per_class=4",
    "trainer.device=cpu",
    "trainer.workers=0",
    "trainer.checkpoint_every=1",
)
SUBJECTS = {
    "train mlff": ("train", *TASK, "method=mlff", "method.epochs=12"),
    "train finetune": ("train", *TASK, "method=finetune", "method.epochs=3"),
    "train joint": ("train", *TASK, "method=joint", "method.epochs=12"),
    "sweep": ("sweep", *TASK, "method=mlff,joint", "seed=0,1", "method.epochs=4"),
}
ROUND_KILLS = 5
"""Kills in a round at most, so that every subject has its share."""


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 when no kill was lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="how many, all subjects together")
    parser.add_argument("--seed", type=int, default=None, help="of the moments; default: drawn")
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="subjects; default: all")
    chosen = parser.parse_args(words)
    seed = random.SystemRandom().randrange(2**32) if chosen.seed is None else chosen.seed
    print(f"{chosen.kills} kills, moments drawn from seed {seed}", flush=True)
    import_everything()
    with tempfile.TemporaryDirectory(prefix="mlff-chaos-") as folder:
        kills, lost = torment(
            chosen.only or list(SUBJECTS), chosen.kills, random.Random(seed), Path(folder)
        )
    print(f"kills survived: {kills - lost} of {kills}")
    return int(lost > 0 or kills < chosen.kills)


def import_everything() -> None:
    """Load what the commands load, so that forks need not."""
    import mlff_cli.cli.main
    import mlff_cli.commands.sweep
    import mlff_cli.commands.train
    import mlff_cli.sweeps.here
    import mlff_cli.sweeps.table  # noqa: F401
    from mlff_cli.backbones.torchvision_remedy import import_torchvision

    import_torchvision()
    import torch._dynamo  # noqa: F401 - hydra and the optimiser ask for it late


def torment(
    subjects: Sequence[str], kills: int, moments: random.Random, folder: Path
) -> tuple[int, int]:
    """Go round the subjects until so many kills or a loss; return kills and lost ones."""
    done = lost = 0
    references: dict[str, tuple[dict[str, bytes], float]] = {}
    for number, subject in enumerate(cycle(subjects)):
        if done >= kills:
            break
        if subject not in references:
            references[subject] = uninterrupted(subject, folder / f"reference-{number}")
        expected, seconds = references[subject]
        most = min(kills - done, ROUND_KILLS)
        started = time.monotonic()
        count, found = broken_off(subject, folder / f"round-{number}", seconds, most, moments)
        same = found == expected
        print(
            f"{subject}: killed {count} times in a run of {seconds:.1f} s, "
            + (f"{len(expected)} files the same" if same else "LOST: the results differ"),
            flush=True,
        )
        if not count:  # a whole run again, perhaps measured on a less busy machine
            references[subject] = expected, min(seconds, time.monotonic() - started)
        done += count
        if not same:
            lost = count
            break
    return done, lost


def uninterrupted(subject: str, folder: Path) -> tuple[dict[str, bytes], float]:
    """Return what the subject writes, and how many seconds it takes."""
    started = time.monotonic()
    process = start(subject, folder)
    _, status = os.waitpid(process, 0)
    seconds = time.monotonic() - started
    if status != 0:
        sys.exit(f"{subject} fails without any kill:\n{(folder / 'said').read_text()}")
    return results(folder), seconds


def broken_off(
    subject: str, folder: Path, seconds: float, most: int, moments: random.Random
) -> tuple[int, dict[str, bytes]]:
    """Kill the subject at random moments, `most` times at most; return kills and results."""
    kills = 0
    while True:
        process = start(subject, folder)
        if kills < most:
            time.sleep(moments.uniform(0.0, seconds))
            os.kill(process, signal.SIGKILL)  # without effect on one that has ended
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            if os.WEXITSTATUS(status) != 0:
                print((folder / "said").read_text(), file=sys.stderr)
                return kills, {}
            return kills, results(folder)
        kills += 1


def start(subject: str, folder: Path) -> int:
    """Fork a process that runs the subject's command in the folder; return its number."""
    folder.mkdir(exist_ok=True)
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        os.chdir(folder)
        said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(said, 1)
        os.dup2(said, 2)
        from mlff_cli.cli.main import main as mlff

        mlff([*SUBJECTS[subject], "paths.runs=runs", "paths.features=features"])
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


if __name__ == "__main__":
    sys.exit(main())
