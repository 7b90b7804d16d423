"""The command on bad input: what is typed, what is spoilt, what must be said."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tiny_task import TINY, Command

HERE = "paths.runs=runs", "paths.features=features"
FOLDER = ("train", *TINY, *HERE, "dataset=folder", "data.root=images")
CSV = ("train", *TINY, *HERE, "dataset=csv", "data.file=images/list.csv")

TRIED: set[str] = set()
"""Names of the bad inputs that were tried until now."""


@dataclass(frozen=True)
class Spoilt:
    """What is done to the place, what is added to the command, what must be said."""

    expected: tuple[str, ...]
    spoil: Callable[[Path], object] = lambda place: None
    words: tuple[str, ...] = ()


def run_of(folder: Path) -> Path:
    """Return the finished run of a place, from its folder of runs."""
    return next(folder.glob("runs/custom/mlff-*/DONE")).parent.relative_to(folder / "runs")


def refused(mlff: Command, name: str, words: tuple[str, ...], *expected: str, code: int = 2) -> str:
    """Run a command that must fail, with one message that holds all that is expected."""
    TRIED.add(name)
    found, said = mlff(*words)
    assert found == code, said
    for text in expected:
        assert text in said, said
    assert "Traceback" not in said
    assert "internal error" not in said
    assert said.count("mlff: ") == 1
    return said


def cut(path: Path) -> None:
    """Leave the first half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
