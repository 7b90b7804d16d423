"""One table and one plot over several runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlff_cli.results.aggregate import aggregate
from mlff_cli.results.cells import Row
from mlff_cli.results.columns import main_metric
from mlff_cli.results.comparison_plot import comparison
from mlff_cli.results.labels import markdown
from mlff_cli.results.renderers import csv as as_csv
from mlff_cli.results.renderers import markdown as as_markdown
from mlff_cli.results.tables import every_row, results_table
from mlff_cli.system.files import write_atomically


def write_comparison(
    folder: Path,
    rows: Sequence[Row],
    varied: Sequence[str] = (),
    command: str = "",
    remarks: Sequence[str] = (),
) -> list[Row]:
    """Write runs.csv (a row each), results.csv, results.md and comparison.png; return the means.

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
    return means


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
