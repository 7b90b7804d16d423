"""What a sweep ends in: one table over its runs."""

from pathlib import Path
from typing import Any

from mlff_cli.config.overrides import command_line
from mlff_cli.results.cells import Row
from mlff_cli.results.comparison import REPORT, varied_keys, write_comparison
from mlff_cli.results.renderers.terminal import show
from mlff_cli.results.tables import results_table
from mlff_cli.runs.identity import backbone_name
from mlff_cli.runs.report import remarks_on_splits, row_of
from mlff_cli.sweeps.notes import Notes
from mlff_cli.sweeps.plan import Plan, PlannedRun

PAPER_TABLE = "paper_table"
"""The folder of the paper's table, in that of the sweep."""


def write_table(plan: Plan, notes: Notes, processes: int) -> int:
    """Write and print the sweep's table; return 1 when a run is missing from it.

    Args:
        plan: The sweep.
        notes: What became of its runs.
        processes: How many went at a time.
    """
    varied = varied_keys([(_kind(run), run.keys) for run in plan.runs])
    rows = [_row(run, varied, notes) for run in plan.runs]
    rows.sort(
        key=lambda row: [str(row.get(key, "")) for key in ("scenario", "method", *varied, "seed")]
    )
    remarks = remarks_on_splits([run.folder for run in plan.runs if run.folder.finished])
    if processes > 1:
        remarks.append(
            f"up to {processes} runs shared the processor: they took more seconds than alone "
            "(trainer.processes=1)"
        )
    means = write_comparison(plan.folder, rows, varied, command_line(), remarks)
    show(results_table(means, f"{len(rows)} runs"), plan.folder / REPORT)
    if plan.table == "paper":
        _show_paper_table(plan.folder / PAPER_TABLE, rows, remarks)
    else:
        print(*remarks, sep="\n")
    return int(any(row.get("error") for row in rows))


def _row(run: PlannedRun, varied: list[str], notes: Notes) -> Row:
    """Return a run's row: its result, or why there is none."""
    if run.folder.finished:
        row = row_of(run.folder)
    else:
        error = notes.error(run) or "its folder is gone"
        row = {**_kind(run), "seed": run.config["seed"], "error": error}
    return row | {key: str(run.keys.get(key, "")) for key in varied}


def _kind(run: PlannedRun) -> dict[str, Any]:
    """Return what is compared in any case: rows that differ in it are never one."""
    config = run.config
    return {
        "scenario": config["task"]["name"],
        "method": config["method"]["name"],
        "backbone": backbone_name(config),
        "fusion": config["fusion"]["name"],
    }


def _show_paper_table(folder: Path, rows: list[Row], remarks: list[str]) -> None:
    from mlff_cli.results.paper.text import write_paper_table

    print(write_paper_table(folder, rows, command_line(), remarks))
    print(folder)
