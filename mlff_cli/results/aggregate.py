"""Several runs as one row: mean and standard deviation over seeds."""

from collections.abc import Sequence
from statistics import fmean, stdev

from mlff_cli.errors import UserError
from mlff_cli.results.columns import COLUMNS, DEVIATION, Row, kind, titles

GROUP = ("scenario", "method", "backbone", "fusion")
_CONSTANT = ("trainable parameters", "saving (%)")


def aggregate(rows: Sequence[Row], varied: Sequence[str] = ()) -> list[Row]:
    """Return a row of means for each group of runs, then the rows of failed runs as they are.

    A group is what agrees in scenario, method, backbone, fusion and `varied`. A mean stands only
    where every run of the group has a value. The deviation is that of a sample (N - 1), and is
    missing for a single seed; the number of runs stands in the column `seeds`.

    Args:
        rows: As from `tables.result_row`; failed runs have the column `error`.
        varied: Further columns of the rows that tell the groups apart.

    Raises:
        UserError: Two runs of one group have the same seed: what tells them apart is unknown.
    """
    keys = (*GROUP, *varied)
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        if not row.get("error"):
            groups.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    return [_mean_row(group, keys) for group in groups.values()] + [
        row for row in rows if row.get("error")
    ]


def _mean_row(group: Sequence[Row], keys: Sequence[str]) -> Row:
    mean: Row = {key: group[0].get(key) for key in keys}
    seeds = [row.get("seed") for row in group]
    twice = next((seed for seed in seeds if seeds.count(seed) > 1), None)
    if twice is not None:
        names = ", ".join(f"{key} {mean[key]}" for key in keys if mean[key] not in (None, ""))
        raise UserError(
            f"{names}: there are {seeds.count(twice)} runs of seed {twice}; "
            "leave one out, or name the key in which they differ"
        )
    mean["seeds"] = len(group)
    for title in titles(group):
        if title not in COLUMNS or kind(title) == "text" or title in ("seed", "seeds"):
            continue
        values = [row.get(title) for row in group]
        numbers = [value for value in values if isinstance(value, int | float)]
        if len(numbers) < len(group):
            mean[title] = None
        elif title in _CONSTANT and len(set(numbers)) == 1:
            mean[title] = numbers[0]
        else:
            mean[title] = fmean(numbers)
            mean[title + DEVIATION] = stdev(numbers) if len(numbers) > 1 else None
    return mean
