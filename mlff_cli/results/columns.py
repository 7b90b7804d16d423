"""The columns of a table of results: which there are, in which order, and what they mean."""

from collections.abc import Sequence
from typing import NamedTuple

from mlff_cli.metrics.figures import FIGURES, definition
from mlff_cli.metrics.metric import Metric
from mlff_cli.metrics.registry import all_metrics
from mlff_cli.results.cells import BESIDE, Kind, Row
from mlff_cli.results.table import Column

_RUN = (Column("scenario"), Column("method"), Column("backbone"), Column("fusion"))
"""What a run is; the keys in which runs differ stand behind."""

_SEEDS = (
    Column("seed", "integer"),
    Column(
        "seeds",
        "count",
        "number of runs; ± is the standard deviation over them, (2 of 3) how many have a value",
    ),
)

ADDED = "parameters of a further experience"

_COST = (
    Column("trainable parameters", "count", "of all fusion layers and heads at the end"),
    Column(
        "saving (%)", "percent", "parameters not trained, of those of the whole backbone and head"
    ),
    Column(ADDED, "count", "what the last one added: its head, and its own fusion layer if any"),
    Column("training seconds per experience", "seconds", "without the extraction of features"),
    Column("feature extraction seconds", "seconds", "in all; 0 where every feature was stored"),
    Column("peak memory (MiB)", "count"),
)

ERROR = Column("error")


class ScoreColumn(NamedTuple):
    """A column that holds a figure of a metric."""

    column: Column
    metric: Metric
    figure: str


def score_columns() -> list[ScoreColumn]:
    """Return the columns of every metric: the same figure of all metrics side by side."""
    return [
        ScoreColumn(_column(title, metric, figure), metric, figure)
        for figure in FIGURES
        for metric in all_metrics()
        for title, shown in metric.columns.items()
        if shown == figure
    ]


def measured() -> list[Column]:
    """Return the columns of numbers that are averaged over seeds."""
    return [*(score.column for score in score_columns()), *_COST]


def columns_of(rows: Sequence[Row]) -> list[Column]:
    """Return the columns of the rows, in the order of the table; unknown ones are text."""
    present = dict.fromkeys(key for row in rows for key in row)
    last = [*_SEEDS, *measured(), ERROR]
    known = {column.title for column in (*_RUN, *last)}
    beside = {title + end for title in known for end in BESIDE}
    varied = [Column(key) for key in present if key not in known and key not in beside]
    ordered = [*_RUN, *varied, *last]
    return [column for column in ordered if column.title in present]


def differing(rows: Sequence[Row]) -> list[Column]:
    """Return the columns of names in which the rows differ."""
    return [
        column
        for column in columns_of(rows)
        if column.names and column != ERROR and len({column.text(row) for row in rows}) > 1
    ]


def main_metric(rows: Sequence[Row]) -> Metric | None:
    """Return the metric that rows say most about; None where they have no score."""
    filled = [
        score.metric.name
        for score in score_columns()
        if any(row.get(score.column.title) is not None for row in rows)
    ]
    metrics = [metric for metric in all_metrics() if metric.name in filled]
    return max(metrics, key=lambda metric: filled.count(metric.name), default=None)


def _column(title: str, metric: Metric, figure: str) -> Column:
    words = definition(figure, metric)
    kind: Kind = "number"
    if metric.in_percent and FIGURES[figure].unit == "difference":
        kind, words = "points", f"{words}; in percentage points"
    elif metric.in_percent:
        kind = "fraction"
    return Column(title, kind, words)
