"""``mlff report``: tables and plots again, from what runs have saved."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlff_cli.commands.train import show
from mlff_cli.config import flatten
from mlff_cli.results.aggregate import GROUP
from mlff_cli.results.comparison import varied_keys, write_comparison
from mlff_cli.results.report import write_report
from mlff_cli.results.run_folder import find_runs


def run(config: Mapping[str, Any]) -> int:
    """Write each run's report again; several runs end in one table as well."""
    runs = config["runs"] if isinstance(config["runs"], list) else [config["runs"]]
    folders = find_runs([Path(str(path)).expanduser() for path in runs])
    rows = [write_report(folder) for folder in folders]
    if len(folders) == 1 and config["output"] is None:
        show(rows, str(folders[0].path))
        return 0
    configs = [dict(flatten(folder.config())) for folder in folders]
    kinds = [{key: row[key] for key in GROUP} for row in rows]
    varied = varied_keys(list(zip(kinds, configs, strict=True)))
    for row, keys in zip(rows, configs, strict=True):
        row.update({key: str(keys.get(key, "")) for key in varied})
    target = Path(config["output"] or ".")
    show(write_comparison(target, rows, varied), f"{len(folders)} runs: {target}")
    return 0
