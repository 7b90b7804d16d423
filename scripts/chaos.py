"""Kill mlff -9 at random moments (train, from=, sweep, predict --watch), resume, compare, count.

A subject is a command on a tiny task. It is run once without interruption; then, in an empty
folder, again and again: each process is killed after a random share of that time, and the same
command follows until one comes to its end. Every `matrix.csv`, `predictions.csv` and file of
`adapters/` must then be, byte for byte, what the uninterrupted run wrote; if not, the kills of that
round are lost and nothing more is tried. A predictor that watches a folder is killed while images
arrive there: in the end each must be answered once, as `mlff predict` answers it.

Each process is forked from this one, which has done the imports already: so the kills fall on
what the command does, and not on the loading of its libraries.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Protocol

from chaos_commands import TASK, Command
from chaos_from import GoingOn
from chaos_watch import Watching

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A fork does not carry threads over.
os.environ["OMP_NUM_THREADS"] = "1"


class Subject(Protocol):
    """What is killed."""

    def uninterrupted(self, folder: Path) -> float:
        """Take down what comes of it without any kill; return how many seconds it takes."""
        ...

    def broken_off(
        self, folder: Path, seconds: float, most: int, moments: random.Random
    ) -> tuple[int, str, bool]:
        """Kill it at moments within so many seconds; return kills, words, and whether it holds."""
        ...


SUBJECTS: dict[str, Subject] = {
    "train mlff": Command(("train", *TASK, "method=mlff", "method.epochs=12")),
    "train finetune": Command(("train", *TASK, "method=finetune", "method.epochs=3")),
    "train joint": Command(("train", *TASK, "method=joint", "method.epochs=12")),
    "sweep": Command(("sweep", *TASK, "method=mlff,joint", "seed=0,1", "method.epochs=4")),
    "train from": GoingOn(()),
    "predict --watch": Watching(),
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
    import mlff_cli.commands.predict
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
    lasting: dict[str, float] = {}
    for number, subject in enumerate(cycle(subjects)):
        if done >= kills:
            break
        if subject not in lasting:
            lasting[subject] = SUBJECTS[subject].uninterrupted(folder / f"reference-{number}")
        seconds = lasting[subject]
        most = min(kills - done, ROUND_KILLS)
        started = time.monotonic()
        count, said, holds = SUBJECTS[subject].broken_off(
            folder / f"round-{number}", seconds, most, moments
        )
        print(f"{subject}: killed {count} times in a run of {seconds:.1f} s, {said}", flush=True)
        if not count:  # a whole run again, perhaps measured on a less busy machine
            lasting[subject] = min(seconds, time.monotonic() - started)
        done += count
        if not holds:
            lost = count
            break
    return done, lost


if __name__ == "__main__":
    sys.exit(main())
