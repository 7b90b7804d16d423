"""Runs of a sweep in this process, one after another; one that fails takes no other with it."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from mlff_cli.results.painter import Painter
from mlff_cli.runs.listing import Listing
from mlff_cli.sweeps.notes import BROKEN_OFF, Notes
from mlff_cli.sweeps.plan import Plan, PlannedRun
from mlff_cli.system import garbage
from mlff_cli.system.failures import explained

Train = Callable[[Mapping[str, Any], Painter, Listing], object]
"""Brings the run of a config to its end; takes who draws, and its images as they were listed."""


def run_here(plan: Plan, notes: Notes, train: Train) -> None:
    """Bring all runs to their ends, and note what became of each."""
    with Painter() as painter:
        for run in plan.runs:
            carry_out(run, notes, train, painter)


def carry_out(run: PlannedRun, notes: Notes, train: Train, painter: Painter) -> None:
    """Bring one run to its end; note its error if it fails."""
    garbage.while_working()
    notes.write(run, BROKEN_OFF)
    print(f"\n--- {run.title}: {run.folder.path}")
    try:
        train(run.config, painter, run.listing)
    except Exception as error:
        said = explained(error)[0]
        notes.write(run, said)
        print(f"mlff: this run failed: {said}", file=sys.stderr)
    else:
        notes.write(run, None)
