"""The final scores of one experience as tables for people: of the whole, and class by class."""

import math
from collections.abc import Sequence

from mlff_cli.results.cells import Row, rounded
from mlff_cli.results.experience_figures import Figure
from mlff_cli.results.labels import plain
from mlff_cli.results.table import Column, Table

INTERVALS = (
    "in brackets the 95 % interval, exact for shares, by bootstrap over groups for all others; the "
    "floor is what the same answer for every image reaches: the most frequent one in training"
)


def whole_table(figures: Sequence[Figure]) -> Table:
    """Return a row for each metric of an experience: value, interval and floor."""
    columns = [Column("metric"), *(Column(name, "shown") for name in ("score", "floor", "images"))]
    rows: list[Row] = [
        {
            "metric": figure.name,
            "score": shown(figure),
            "floor": _number(figure, figure.floor),
            "images": str(figure.n),
        }
        for figure in figures
        if figure.metric is not None
    ]
    return Table("", columns, rows)


def class_table(figures: Sequence[Figure]) -> Table:
    """Return a row for each class of an experience, a column for each of its figures."""
    rows: dict[str, Row] = {}
    titles = ["class"]
    for figure in figures:
        if figure.metric is not None:
            continue
        row = rows.setdefault(figure.of, {"class": plain(figure.of)})
        row[figure.name] = shown(figure)
        titles.append(figure.name)
        if figure.name == "average precision":
            row["floor"] = _number(figure, figure.floor)
            titles.append("floor")
    columns = [Column(title, "text" if title == "class" else "shown") for title in titles]
    return Table("", list(dict.fromkeys(columns)), list(rows.values()))


def shown(figure: Figure) -> str:
    """Return a value with its interval, "" where there is none."""
    text = _number(figure, figure.value)
    if math.isnan(figure.interval.low):
        return text
    low, high = (_number(figure, end) for end in figure.interval)
    return f"{text} ({low} to {high})"


def _number(figure: Figure, value: float) -> str:
    if math.isnan(value):
        return ""
    if figure.is_count:
        return rounded(value, "count")
    in_percent = figure.metric is None or figure.metric.in_percent
    return rounded(value, "fraction" if in_percent else "number")
