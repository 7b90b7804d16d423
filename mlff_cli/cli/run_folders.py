"""Folders of finished runs, for the Tab key: by their names on the disk, nothing is read."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from mlff_cli.config.keys import chosen
from mlff_cli.config.shipped import shipped

RUNS, DONE = "paths.runs", "DONE"
CONFIG = "config.yaml"


def run_folders(begun: str, words: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """Yield path, date, and whether it is a run, of what may follow the beginning of a path.

    These are the finished runs in paths.runs; where none begins so, the folders that do.
    """
    root = _root(words)
    runs = [done for done in Path(root).glob(f"*/*/{DONE}") if str(done.parent).startswith(begun)]
    for done in runs:
        finished = datetime.fromtimestamp(done.stat().st_mtime)
        yield str(done.parent), f"finished {finished:%Y-%m-%d %H:%M}", True
    if not runs and "/" in begun:
        yield from _folders(begun)


def files(begun: str, endings: tuple[str, ...]) -> Iterator[str]:
    """Yield files with one of these endings whose path begins so."""
    for entry in _entries(begun):
        if entry.name.endswith(endings) and entry.is_file():
            yield _path(begun, entry.name)


def _root(words: Sequence[str]) -> str:
    given = [word.partition("=")[2] for word in words if word.startswith(f"{RUNS}=")]
    return given[-1] if given else str(shipped(f"paths/{chosen('runs', words)['paths']}")["runs"])


def _folders(begun: str) -> Iterator[tuple[str, str, bool]]:
    for entry in _entries(begun):
        if entry.is_dir() and not entry.name.startswith("."):
            is_run = (Path(entry.path) / CONFIG).is_file()
            yield _path(begun, entry.name) + ("" if is_run else "/"), "", is_run


def _entries(begun: str) -> Iterator["os.DirEntry[str]"]:
    """Yield what lies in the folder of a path whose beginning is typed; nothing where none is."""
    folder = os.path.expanduser(os.path.dirname(begun)) or "."  # noqa: PTH111, PTH120
    try:
        with os.scandir(folder) as found:
            yield from sorted(found, key=lambda entry: entry.name)
    except OSError:
        return


def _path(begun: str, name: str) -> str:
    return f"{begun[: begun.rfind('/') + 1]}{name}"
