"""Calls of the command line, in this process or in one of their own."""

import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from mlff_cli.cli.main import main
from mlff_cli.results.painter import Painter, Work
from mlff_cli.results.pictures import draw

TINY = ("data.image_size=32", "data.images_per_class=5", "method.epochs=2", "backbone.engine=torch")
"""Fifteen classes of five drawn images, 32 px: a run of seconds."""

HEAVY = {"torch", "torchvision", "timm", "pandas", "sklearn", "matplotlib", "numpy", "PIL", "rich"}


class Result(NamedTuple):
    code: int
    out: str
    err: str


class FewPictures(Painter):
    """Leaves out matrix and curves, which take a quarter of a small run, and draws in this process.

    They are drawn as soon as a command asks for them.
    """

    def __init__(self) -> None:
        super().__init__(beside=False)

    def begin(self, work: Work) -> None:
        """Take up any other work."""
        if not (isinstance(work, partial) and work.func is draw):
            super().begin(work)


def call(*words: str, pictures: bool = False) -> Result:
    """Call a command in this process, which has torch by now; with few `pictures`, or all."""
    out, err = StringIO(), StringIO()
    painter = partial(Painter, beside=False) if pictures else FewPictures
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "argv", ["mlff", *words]),
        patch("mlff_cli.commands.train.Painter", painter),
        patch("mlff_cli.sweeps.here.Painter", painter),
    ):
        try:
            main(list(words))
        except SystemExit as leaving:
            return Result(int(leaving.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("main returned")


def start(*words: str, folder: Path, importtime: bool = False) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    flags = ["-X", "importtime"] if importtime else []
    return subprocess.Popen(
        [sys.executable, *flags, "-m", "mlff_cli", *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def imported(*words: str, folder: Path) -> tuple[Result, set[str]]:
    """Call a command in a process of its own; return also what it imported, by top-level name."""
    process = start(*words, folder=folder, importtime=True)
    out, err = process.communicate(timeout=60)
    modules = set(re.findall(r"^import time:.*\| +(\w+)", err, flags=re.MULTILINE))
    said = [line for line in err.splitlines() if not line.startswith("import time:")]
    return Result(process.returncode, out, "\n".join(said)), modules


def refusal(*words: str) -> str:
    """Return the one message of a command that is refused, and see that it is one."""
    result = call(*words)
    assert result.code == 2, result
    assert result.out == ""
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("mlff: "), result.err
    return lines[0].removeprefix("mlff: ")


def scores(table: str) -> dict[tuple[str, str], list[float]]:
    """Return the scores of a printed table by experience and metric, nan where a cell is blank."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines()]
    return {
        (row[0], row[1]): [float(cell or "nan") for cell in row[2:]] for row in rows if len(row) > 2
    }
