"""The runs that lie in folders."""

import logging
from collections.abc import Sequence
from pathlib import Path

from mlff_cli.config.saved import CONFIG
from mlff_cli.errors import UserError
from mlff_cli.runs.folder import RunFolder

log = logging.getLogger(__name__)


def all_runs(paths: Sequence[Path]) -> list[RunFolder]:
    """Return the runs, finished or not, in folders that are runs or hold some, sorted by path.

    Raises:
        UserError: A folder does not exist.
    """
    found: dict[Path, RunFolder] = {}
    for path in paths:
        if not path.is_dir():
            raise UserError(f"{path}: there is no such folder")
        inside = [path] if (path / CONFIG).is_file() else None
        candidates = inside or sorted(file.parent for file in path.rglob(CONFIG))
        found |= {candidate.resolve(): RunFolder(candidate) for candidate in candidates}
    return list(found.values())


def find_runs(paths: Sequence[Path]) -> list[RunFolder]:
    """Return the finished runs among `all_runs`.

    Raises:
        UserError: A folder does not exist, or no finished run is found.
    """
    found = all_runs(paths)
    finished = [run for run in found if run.finished]
    if not finished:
        raise UserError(f"{', '.join(map(str, paths))}: no finished run is there")
    for run in found:
        if not run.finished:
            log.warning("left out, not finished: %s", run.path)
    return finished
