"""Cells of a table: what a row holds, and how it is shown."""

import math
from collections.abc import Mapping
from typing import Literal

from mlff_cli.results.labels import plain

Cell = str | int | float | None
Row = dict[str, Cell]
"""A row of a table by its columns: shares as fractions of 1, None where there is no value."""

DEVIATION, SEEDS, LEFT_OUT = " deviation", " seeds", " left out"
"""Ends of the names of cells that stand beside another: its standard deviation over seeds, the
number of seeds that have a value where others have none, and what its figure leaves out."""

BESIDE = (DEVIATION, SEEDS, LEFT_OUT)

Kind = Literal[
    "text",
    "shown",  # a number that is text already
    "integer",  # a name, without separators: a seed
    "count",
    "fraction",  # of 1, shown in percent
    "points",  # the difference of two fractions
    "percent",
    "number",  # three digits, in its own unit
    "score",  # six decimals
    "seconds",
    "bytes",
]


def known_or_none(value: float) -> float | None:
    """Return the cell of a number: None where it is nan."""
    return None if math.isnan(value) else value


def formatted(row: Mapping[str, Cell], key: str, kind: Kind) -> str:
    """Return a cell as people see it: rounded, with deviation, unit and number of seeds.

    "" where there is no value.
    """
    value = row.get(key)
    if value is None or isinstance(value, str):
        return plain(value or "")
    text = rounded(value, kind)
    deviation = row.get(key + DEVIATION)
    if isinstance(deviation, int | float):
        text += f" ± {rounded(deviation, kind, beside=value)}"
    text += " %" if kind in ("fraction", "percent") else ""
    return text + some_seeds(row, key)


def some_seeds(row: Mapping[str, Cell], key: str) -> str:
    """Return " (2 of 3)" behind a mean that not all seeds have a value for, else ""."""
    count = row.get(key + SEEDS)
    return "" if count is None else f" ({count} of {row['seeds']})"


def rounded(value: float, kind: Kind, beside: float | None = None) -> str:
    """Return a number rounded as its kind asks; fractions and points times 100, without unit.

    A deviation gets the decimals of the mean that it stands beside.
    """
    size = abs(value if beside is None else beside)
    if kind in ("text", "shown", "integer"):
        return str(value)
    if kind == "score":
        return f"{value:.6f}"
    if kind == "bytes":
        return _bytes(int(value))
    if kind == "number":
        return f"{value:.3g}" if size < 1000 else f"{value:,.0f}"
    if kind in ("fraction", "points"):
        value *= 100
    decimals = 0 if kind == "count" else 2 if kind == "seconds" and size < 10 else 1
    # Adding zero takes the minus from a -0 that rounding leaves.
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"


def _bytes(count: int) -> str:
    from rich.filesize import decimal

    return decimal(count)
