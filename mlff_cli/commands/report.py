"""``mlff report``: tables and pictures again, from what runs have saved."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.results.comparison import REPORT
from mlff_cli.results.renderers.terminal import show
from mlff_cli.runs.comparison import compare_runs
from mlff_cli.runs.finding import find_runs
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.report import show_run, write_report
from mlff_cli.runs.report_folder import report_folder


def run(config: Mapping[str, Any]) -> int:
    """Write the report of one run, or the table of several, into a folder of its own."""
    if not config["runs"]:
        raise UserError("report needs a folder: mlff report runs/<task>/<run>, or mlff report runs")
    folders = find_runs([Path(path).expanduser() for path in config["runs"]])
    reports = Path(config["paths"]["runs"]).expanduser() / "reports"
    target = Path(config["output"]).expanduser() if config["output"] else reports / _name(folders)
    with report_folder(target) as made:
        if len(folders) == 1:
            write_report(folders[0], made, config["operating_point"])
        else:
            table = compare_runs(folders, made)
    if len(folders) == 1:
        show_run(folders[0], target)
    else:
        show(table, target / REPORT)
    return 0


def _name(folders: Sequence[RunFolder]) -> str:
    """Return the name of a report on these runs: the same each time."""
    names = [
        f"{folder.path.resolve().parent.name}-{folder.path.resolve().name}" for folder in folders
    ]
    if len(names) == 1:
        return names[0]
    return (
        f"{len(names)}-runs-{hashlib.sha256(chr(10).join(sorted(names)).encode()).hexdigest()[:8]}"
    )
