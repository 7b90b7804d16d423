"""The picture of a table: bars for each row, a panel for each scenario."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlff_cli.metrics.metric import Metric
from mlff_cli.results.canvas import COLOURS, axis_label, cut, picture
from mlff_cli.results.cells import DEVIATION, Row
from mlff_cli.results.columns import differing, score_columns
from mlff_cli.results.table import Column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST = 52


def comparison(path: Path, rows: Sequence[Row], metric: Metric, subject: str) -> None:
    """Draw learning and final score of each row, with deviations: a panel for each scenario.

    Args:
        path: Of the PNG.
        rows: Finished runs or, better, rows of `aggregate`; failed ones are left out.
        metric: Whose figures are drawn.
        subject: What is compared, for the title.
    """
    rows = [row for row in rows if not row.get("error")]
    scenarios = list(dict.fromkeys(str(row.get("scenario", "")) for row in rows))
    panels = [[row for row in rows if str(row.get("scenario", "")) == name] for name in scenarios]
    telling = _telling(rows)
    height = 0.62 * len(rows) + 0.5 * len(panels) + 1.3
    names = [*scenarios, *(_name(row, telling) for row in rows)]
    with picture(
        path, 8.2, height, f"{metric.name} of each method", subject, names=names
    ) as figure:
        grid = figure.subplots(
            len(panels),
            sharex=True,
            squeeze=False,
            height_ratios=[len(panel) + 0.4 for panel in panels],
        )
        columns = [
            column
            for column, measured, figure in score_columns()
            if measured.name == metric.name and figure in ("learning", "final average")
        ]
        for axes, panel, scenario in zip(grid[:, 0], panels, scenarios, strict=True):
            _bars(axes, panel, columns, telling)
            axes.set_title(cut(scenario, 60))
        last = grid[-1, 0]
        last.set_xlabel(axis_label(metric.name, metric))
        if metric.in_percent:
            last.set_xlim(0, 100)
        else:
            last.margins(x=0.25)
        figure.legend(
            *last.get_legend_handles_labels(), loc="outside lower center", ncols=len(columns)
        )


def _bars(
    axes: "Axes", panel: Sequence[Row], columns: Sequence[Column], telling: Sequence[Column]
) -> None:
    places = np.arange(len(panel))
    for index, column in enumerate(columns):
        scale = 100 if column.kind == "fraction" else 1
        values = np.array([_number(row.get(column.title)) for row in panel]) * scale
        spread = np.array([_number(row.get(column.title + DEVIATION)) for row in panel]) * scale
        at = places + 0.37 * (index - (len(columns) - 1) / 2)
        axes.barh(at, values, height=0.35, color=COLOURS[index], label=column.title)
        axes.errorbar(values, at, xerr=spread, fmt="none", ecolor="black", elinewidth=1, capsize=3)
        for row, value, deviation, y in zip(panel, values, spread, at, strict=True):
            text = column.text(row).replace(" %", "") or "not computed"
            right = np.nan_to_num(value) + np.nan_to_num(deviation)
            if column.kind == "fraction":
                right = min(right, 100.0)
            axes.annotate(
                text, (right, y), (5, 0), textcoords="offset points", va="center", fontsize=8
            )
    axes.set_yticks(places, [cut(_name(row, telling), _LONGEST) for row in panel])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(panel) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def _name(row: Row, telling: Sequence[Column]) -> str:
    return ", ".join(filter(None, (column.text(row) for column in telling)))


def _telling(rows: Sequence[Row]) -> list[Column]:
    """Return the method and the other columns of names in which the rows differ."""
    others = [c for c in differing(rows) if c.title not in ("scenario", "method")]
    return [Column("method"), *others]


def _number(cell: object) -> float:
    return float(cell) if isinstance(cell, int | float) else float("nan")
