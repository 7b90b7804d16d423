"""``mlff report``: tables and plots again, from what runs have saved."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlff_cli.config.schema import flatten
from mlff_cli.errors import UserError
from mlff_cli.results.aggregate import GROUP
from mlff_cli.results.comparison import varied_keys, write_comparison
from mlff_cli.results.renderers.terminal import show
from mlff_cli.results.tables import results_table
from mlff_cli.runs.folder import find_runs
from mlff_cli.runs.report import remarks_on_splits, write_report


def run(config: Mapping[str, Any]) -> int:
    """Write each run's report again; several runs end in one table as well."""
    if not config["runs"]:
        raise UserError("report needs a folder: mlff report runs/<task>/<run>, or mlff report runs")
    folders = find_runs([Path(path).expanduser() for path in config["runs"]])
    target = Path(config["output"] or Path.cwd()).expanduser()
    if len(folders) > 1 and (target / "config.yaml").is_file():
        raise UserError(f"{target}: is a run's own folder; give another one with output=...")
    rows = [write_report(folder) for folder in folders]
    if len(folders) == 1 and config["output"] is None:
        show(results_table(rows, str(rows[0]["scenario"])), folders[0].path)
        return 0
    configs = [dict(flatten(folder.config())) for folder in folders]
    kinds = [{key: row[key] for key in GROUP} for row in rows]
    varied = varied_keys(list(zip(kinds, configs, strict=True)))
    for row, keys in zip(rows, configs, strict=True):
        row.update({key: str(keys.get(key, "")) for key in varied})
    means = write_comparison(target, rows, varied, remarks=remarks_on_splits(folders))
    show(results_table(means, f"{len(folders)} runs"), target)
    return 0
