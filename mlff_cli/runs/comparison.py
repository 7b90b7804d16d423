"""Several finished runs in one table."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlff_cli.config.schema import flatten
from mlff_cli.errors import UserError
from mlff_cli.results.aggregate import GROUP
from mlff_cli.results.cells import Row
from mlff_cli.results.comparison import varied_keys, write_comparison
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.table import Table
from mlff_cli.results.tables import results_table
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.identity import DIGITS, config_digest, decisive
from mlff_cli.runs.report import remarks_on_splits, row_of

SAME = 1e-6
"""How far two scores of one run may lie apart: another number of threads adds up otherwise."""

IMAGES = "images"
"""The column that tells runs apart by their images, where nothing else does."""


def compare_runs(folders: Sequence[RunFolder], target: Path) -> Table:
    """Write the tables and the picture of several runs into a folder; return the means.

    A run that lies there twice counts once.

    Raises:
        UserError: Two folders of one run have different scores.
    """
    folders, notes = _each_once(folders)
    rows = [row_of(folder) for folder in folders]
    keys = [dict(flatten(decisive(folder.config()))) for folder in folders]
    kinds = [{key: row[key] for key in GROUP} for row in rows]
    varied = varied_keys(list(zip(kinds, keys, strict=True)))
    for row, own in zip(rows, keys, strict=True):
        row.update({key: str(own.get(key, "")) for key in varied})
    if _alike(rows, varied):
        varied = [*varied, IMAGES]
        for row, folder in zip(rows, folders, strict=True):
            row[IMAGES] = folder.record().data[:DIGITS]
    remarks = [*notes, *remarks_on_splits(folders)]
    means = write_comparison(target, rows, varied, remarks=remarks)
    table = results_table(means, f"{len(folders)} run{'s' if len(folders) > 1 else ''}")
    return replace(table, notes=[*table.notes, *notes])


def _each_once(folders: Sequence[RunFolder]) -> tuple[list[RunFolder], list[str]]:
    """Return the runs, each by the first of its folders, and a line on each folder left out."""
    first: dict[tuple[str, str], RunFolder] = {}
    notes = []
    for folder in folders:
        identity = (config_digest(folder.config()), folder.record().data)
        known = first.setdefault(identity, folder)
        if known is folder:
            continue
        if not _agree(known.matrix(), folder.matrix()):
            raise UserError(
                f"{known.path} and {folder.path} are one run, by config and images, and their "
                "scores differ; leave one of them out"
            )
        notes.append(f"counted once: {folder.path} is the same run as {known.path}")
    return list(first.values()), notes


def _agree(one: ScoreMatrix, other: ScoreMatrix) -> bool:
    """Return whether two matrices have the same scores, but for the order of addition."""
    ours, theirs = (
        {(i, j, name): score.value for i, j, name, score in matrix.scored()}
        for matrix in (one, other)
    )
    return ours.keys() == theirs.keys() and all(
        math.isclose(value, theirs[place], rel_tol=0, abs_tol=SAME)
        or (math.isnan(value) and math.isnan(theirs[place]))
        for place, value in ours.items()
    )


def _alike(rows: Sequence[Row], varied: Sequence[str]) -> bool:
    """Return whether two rows would be one run for all that their columns say."""
    known = [tuple(row.get(key) for key in (*GROUP, *varied, "seed")) for row in rows]
    return len(set(known)) < len(known)
