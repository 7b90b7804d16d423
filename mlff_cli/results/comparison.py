"""One table and one plot over several runs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlff_cli.results.aggregate import aggregate
from mlff_cli.results.cells import DEVIATION, Cell, Row
from mlff_cli.results.columns import ERROR, columns_of, differing, main_metric, score_columns
from mlff_cli.results.comparison_plot import comparison
from mlff_cli.results.labels import markdown
from mlff_cli.results.page.page import comparison_page
from mlff_cli.results.page.svg import Bar
from mlff_cli.results.renderers import csv as as_csv
from mlff_cli.results.renderers import markdown as as_markdown
from mlff_cli.results.tables import every_row, results_table
from mlff_cli.system.files import write_atomically

REPORT = "report.html"


def write_comparison(
    folder: Path,
    rows: Sequence[Row],
    varied: Sequence[str] = (),
    command: str = "",
    remarks: Sequence[str] = (),
) -> list[Row]:
    """Write runs.csv (a row each), results.csv and .md, a picture and a page; return the means.

    Args:
        folder: Where the files go.
        rows: Of runs, failed ones with an "error".
        varied: Further columns in which runs differ; seeds are averaged over.
        command: What made the runs, for the heading.
        remarks: Lines below the table.
    """
    means = aggregate(rows, varied)
    write_atomically(folder / "runs.csv", as_csv.render(every_row(rows)))
    write_atomically(folder / "results.csv", as_csv.render(every_row(means)))
    heading = f"    {command}\n\n" if command else ""
    below = "".join(f"\n{markdown(line)}\n" for line in remarks)
    write_atomically(
        folder / "results.md", heading + as_markdown.render(results_table(means)) + below + "\n"
    )
    if metric := main_metric(means):
        comparison(folder / "comparison.png", means, metric, "mean over seeds")
    title = f"{len(rows)} runs"
    page = comparison_page(
        title, results_table(means), [*remarks, *filter(None, [command])], *_bars(means)
    )
    write_atomically(folder / REPORT, page)
    return means


def _bars(means: Sequence[Row]) -> tuple[list[Bar], str]:
    """Return the final score of each row with its deviation, and what it is in words."""
    metric = main_metric(means)
    rows = [row for row in means if not row.get(ERROR.title)]
    told = differing(rows) or columns_of(rows)[:2]
    for column, of, figure in score_columns():
        if metric is not None and of.name == metric.name and figure == "final average":
            bars = [
                Bar(", ".join(filter(None, (c.text(row) for c in told))), value, spread)
                for row in rows
                if not math.isnan(value := _number(row.get(column.title)))
                for spread in [_number(row.get(column.title + DEVIATION))]
            ]
            return bars, f"{column.title}, mean over seeds: {column.definition}"
    return [], ""


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else math.nan


def varied_keys(runs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[str]:
    """Return the keys in which runs differ that are otherwise of one kind, the seed left out.

    Args:
        runs: What a run is (scenario, method, backbone, fusion), and the keys of its config that
            can change its result, for each.
    """
    kinds: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for identity, keys in runs:
        kinds.setdefault(tuple(identity.values()), []).append(keys)
    varied: dict[str, None] = {}
    for group in kinds.values():
        for key in group[0]:
            values = {repr(keys.get(key)) for keys in group}
            if len(values) > 1 and key != "seed":
                varied[key] = None
    return list(varied)
