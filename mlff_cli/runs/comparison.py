"""Several finished runs in one table."""

from collections.abc import Sequence
from pathlib import Path

from mlff_cli.config.identity import relevant
from mlff_cli.config.schema import flatten
from mlff_cli.results.aggregate import GROUP
from mlff_cli.results.comparison import varied_keys, write_comparison
from mlff_cli.results.table import Table
from mlff_cli.results.tables import results_table
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.report import remarks_on_splits, row_of


def compare_runs(folders: Sequence[RunFolder], target: Path) -> Table:
    """Write the tables and the picture of several runs into a folder; return the means."""
    rows = [row_of(folder) for folder in folders]
    keys = [dict(flatten(relevant(folder.config()))) for folder in folders]
    kinds = [{key: row[key] for key in GROUP} for row in rows]
    varied = varied_keys(list(zip(kinds, keys, strict=True)))
    for row, own in zip(rows, keys, strict=True):
        row.update({key: str(own.get(key, "")) for key in varied})
    means = write_comparison(target, rows, varied, remarks=remarks_on_splits(folders))
    return results_table(means, f"{len(folders)} runs")
