"""Several runs as one row: mean and standard deviation over seeds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlff_cli.errors import UserError
from mlff_cli.results.columns import COLUMNS, DEVIATION, Row, kind, titles

if TYPE_CHECKING:
    import pandas as pd

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
    import pandas as pd

    finished = [row for row in rows if not row.get("error")]
    failed = [row for row in rows if row.get("error")]
    if not finished:
        return failed
    keys = [*GROUP, *varied]
    frame = pd.DataFrame(finished, columns=list(dict.fromkeys([*keys, *titles(finished)])))
    _refuse_doubles(frame, keys)
    measured = [
        title
        for title in titles(finished)
        if title in COLUMNS and kind(title) != "text" and title not in ("seed", "seeds")
    ]
    frame[measured] = frame[measured].apply(pd.to_numeric)
    means: list[Row] = []
    for _, group in frame.groupby(keys, dropna=False, sort=False):
        first = finished[int(group.index[0])]
        row: Row = {key: first.get(key) for key in keys} | {"seeds": len(group)}
        for title in measured:
            values = group[title]
            if values.isna().any():
                row[title] = None
            elif title in _CONSTANT and values.nunique() == 1:
                row[title] = first[title]
            else:
                row[title] = float(values.mean())
                row[title + DEVIATION] = float(values.std()) if len(values) > 1 else None
        means.append(row)
    return means + failed


def _refuse_doubles(frame: "pd.DataFrame", keys: Sequence[str]) -> None:
    """Raise where two runs of a group have the same seed."""
    doubled = frame[frame.duplicated([*keys, "seed"], keep=False)]
    if doubled.empty:
        return
    first = doubled.iloc[0]
    count = int((doubled[[*keys, "seed"]] == first[[*keys, "seed"]]).all(axis=1).sum())
    names = ", ".join(f"{key} {first[key]}" for key in keys if first[key] not in (None, ""))
    raise UserError(
        f"{names}: there are {count} runs of seed {first['seed']}; "
        "leave one out, or name the key in which they differ"
    )
