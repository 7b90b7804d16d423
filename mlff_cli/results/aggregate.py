"""Several runs as one row: mean and standard deviation over seeds."""

from collections.abc import Hashable, Sequence
from statistics import fmean, stdev

from mlff_cli.errors import UserError
from mlff_cli.results.cells import DEVIATION, LEFT_OUT, SEEDS, Row
from mlff_cli.results.columns import ADDED, measured

GROUP = ("scenario", "method", "backbone", "fusion")
_CONSTANT = ("trainable parameters", "saving (%)", ADDED)


def aggregate(rows: Sequence[Row], varied: Sequence[str] = ()) -> list[Row]:
    """Return a row of means for each group of runs, then the rows of failed runs as they are.

    A group is what agrees in scenario, method, backbone, fusion and `varied`. A mean is taken over
    the runs that have a value; their number stands beside it where that is not all of them. The
    deviation is that of a sample (N - 1), and is missing for a single value; the number of runs
    stands in the column `seeds`.

    Args:
        rows: As from `tables.result_row`; failed runs have the column `error`.
        varied: Further columns of the rows that tell the groups apart.

    Raises:
        UserError: Two runs of one group have the same seed: what tells them apart is unknown.
    """
    keys = [*GROUP, *varied]
    groups: dict[tuple[Hashable, ...], list[Row]] = {}
    for row in rows:
        if not row.get("error"):
            groups.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    means = [_mean_row(group, keys) for group in groups.values()]
    return means + [row for row in rows if row.get("error")]


def _mean_row(group: Sequence[Row], keys: Sequence[str]) -> Row:
    _refuse_doubles(group, keys)
    row: Row = {key: group[0].get(key) for key in keys} | {"seeds": len(group)}
    for column in measured():
        if any(column.title in run for run in group):
            row |= _mean(group, column.title)
    return row


def _mean(group: Sequence[Row], title: str) -> Row:
    """Return the mean of a column, and what stands beside it."""
    values = [value for run in group if isinstance(value := run.get(title), int | float)]
    cells: Row = {title: fmean(values) if values else None}
    if title in _CONSTANT and len(set(values)) == 1:
        cells[title] = values[0]
    elif values:
        cells[title + DEVIATION] = stdev(values) if len(values) > 1 else None
    if 0 < len(values) < len(group):
        cells[title + SEEDS] = len(values)
    if left_out := dict.fromkeys(str(run[title + LEFT_OUT]) for run in group
                                 if run.get(title + LEFT_OUT)):  # fmt: skip
        cells[title + LEFT_OUT] = "; ".join(left_out)
    return cells


def _refuse_doubles(group: Sequence[Row], keys: Sequence[str]) -> None:
    """Raise where two runs of a group have the same seed."""
    seeds = [row.get("seed") for row in group]
    for seed in seeds:
        if (count := seeds.count(seed)) > 1:
            named = ((key, group[0].get(key)) for key in keys)
            names = ", ".join(f"{key} {value}" for key, value in named if value not in (None, ""))
            raise UserError(
                f"{names}: there are {count} runs of seed {seed}; "
                "leave one out, or name the key in which they differ"
            )
