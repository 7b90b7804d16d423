"""``mlff sweep``: every combination of the values given, one table at the end.

Each run is one of `mlff train`, found again by its config: what is finished is not repeated, and
an interrupted sweep goes on where it stood. A run that fails does not take the others with it.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlff_cli.config.overrides import command_line
from mlff_cli.config.schema import flatten
from mlff_cli.errors import UserError
from mlff_cli.results.cells import Row
from mlff_cli.sweeps import folder as sweep_folder
from mlff_cli.system.failures import explained

PAPER_TABLE = "paper_table"
"""`hydra.job.name` of experiments that end in the paper's table, and the folder of that table."""


def run(config: Mapping[str, Any]) -> int:
    """Bring one run of the sweep to its end; note where it is, and its error if it fails."""
    from mlff_cli.commands.train import train

    job = Job(config, sweep_folder.of_job())
    job.note("was killed or interrupted")
    print(f"\n--- {job.title}: {job.path}")
    try:
        train(config)
    except Exception as error:
        said = str(error) if isinstance(error, UserError) else explained(error)[0]
        job.note(said)
        print(f"mlff: this run failed: {said}", file=sys.stderr)
        return 1
    job.note(None)
    return 0


class Job:
    """One run of a sweep, and the note of what became of it."""

    def __init__(self, config: Mapping[str, Any], folder: str) -> None:
        from mlff_cli.runs.folder import run_path

        self.config = config
        self.path = run_path(config)
        self.file = sweep_folder.notes(folder) / f"{self.path.parent.name}-{self.path.name}.json"
        self.title = f"{config['task']['name']}, {config['method']['name']}, seed {config['seed']}"

    def note_planned(self) -> None:
        """Note that the run is still to come."""
        self.note("was not begun")

    def note(self, error: str | None) -> None:
        """Note how the run stands; None: it is finished."""
        from mlff_cli.runs.folder import backbone_name
        from mlff_cli.system.files import write_atomically

        config = self.config
        about = {
            "run": str(self.path),
            "scenario": config["task"]["name"],
            "method": config["method"]["name"],
            "backbone": backbone_name(config),
            "fusion": config["fusion"]["name"],
            "seed": config["seed"],
            "keys": dict(flatten(config)),
            "error": error,
        }
        write_atomically(self.file, json.dumps(about))


def finish() -> int:
    """Write and print the sweep's table; return 1 when a run is missing from it."""
    from mlff_cli.results.comparison import varied_keys, write_comparison
    from mlff_cli.results.renderers.terminal import show
    from mlff_cli.results.tables import result_row, results_table
    from mlff_cli.runs.folder import RunFolder
    from mlff_cli.runs.report import remarks_on_splits

    folder = Path(sweep_folder.of_sweep())
    files = sorted(sweep_folder.notes(folder).glob("*.json"))
    notes = [json.loads(file.read_text("utf-8")) for file in files]
    varied = varied_keys([(_identity(note), note["keys"]) for note in notes])
    rows: list[Row] = []
    finished: list[RunFolder] = []
    for note in notes:
        run_folder = RunFolder(Path(note["run"]))
        row: Row = dict(_identity(note)) | {"seed": note["seed"]}
        if run_folder.finished:
            finished.append(run_folder)
            row = result_row(run_folder.matrix(), run_folder.facts())
        else:
            row["error"] = note["error"] or "its folder is gone"
        rows.append(row | {key: str(note["keys"].get(key, "")) for key in varied})
    rows.sort(
        key=lambda row: [str(row.get(key, "")) for key in ("scenario", "method", *varied, "seed")]
    )
    remarks = remarks_on_splits(finished)
    means = write_comparison(folder, rows, varied, command_line(), remarks)
    show(results_table(means, f"{len(rows)} runs"), folder)
    if sweep_folder.table_of_sweep() == PAPER_TABLE:
        from mlff_cli.results.paper.text import write_paper_table

        print(write_paper_table(folder / PAPER_TABLE, rows, command_line(), remarks))
        print(folder / PAPER_TABLE)
    else:
        print(*remarks, sep="\n")
    return int(any(row.get("error") for row in rows))


def _identity(note: Mapping[str, Any]) -> dict[str, Any]:
    return {key: note[key] for key in ("scenario", "method", "backbone", "fusion")}
