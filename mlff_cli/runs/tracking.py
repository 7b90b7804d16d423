"""A run and the tracker that its config names."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.registry import implementation
from mlff_cli.runs.report import row_of
from mlff_cli.trackers.base import Findings, Tracker, without_invalid

NONE = "none"


def tracker_of(config: Mapping[str, Any]) -> Tracker | None:
    """Return the tracker of a config; None where there is none.

    Raises:
        UserError: Its package is missing.
    """
    section = config["tracker"]
    if section["name"] == NONE:
        return None
    default = Path(config["paths"]["runs"]) / section["name"]
    folder = Path(section["folder"] or default).expanduser()
    return implementation("trackers", {**section, "folder": folder}, Tracker)()


def findings_of(folder: RunFolder) -> Findings:
    """Return what a tracker keeps of a finished run."""
    row = row_of(folder)
    return Findings(
        figures={
            without_invalid(name): float(value)
            for name, value in row.items()
            if name != "seed" and isinstance(value, int | float) and math.isfinite(value)
        },
        pictures=sorted(folder.path.glob("matrix_*.png")),
        adapters=folder.adapters,
    )
