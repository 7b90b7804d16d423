"""``mlff sweep``: every combination of the values given, one table at the end.

Each run is one of `mlff train`, found again by its config: what is finished is not repeated, and
an interrupted sweep goes on where it stood. A run that fails does not take the others with it.
"""

from collections.abc import Sequence
from pathlib import Path

from mlff_cli.sweeps.at_a_time import fitting
from mlff_cli.sweeps.notes import Notes
from mlff_cli.sweeps.plan import BASIC, Plan, plan


def run(words: Sequence[str], folders: Sequence[Path] = ()) -> int:
    """Carry out the sweep that overrides describe; return 1 when a run of it has no result.

    Args:
        words: Overrides as a shell user writes them; commas part values.
        folders: Of the user's own configs, absolute.
    """
    planned = plan(words, folders)
    notes = Notes(planned.folder)
    notes.begin(planned.runs)
    processes = 1 if planned.launcher != BASIC else planned.processes or fitting(planned.runs)
    _carry_out(planned, notes, processes)
    from mlff_cli.sweeps.table import write_table

    return write_table(planned, notes, processes)


def _carry_out(planned: Plan, notes: Notes, processes: int) -> None:
    """Bring the runs to their ends: as jobs of a cluster, in processes, or here."""
    from mlff_cli.commands.train import train

    if planned.launcher != BASIC:
        from mlff_cli.sweeps.cluster import run_on_cluster

        run_on_cluster(planned, notes, train)
    elif processes > 1:
        from mlff_cli.sweeps.in_processes import run_in_processes

        run_in_processes(planned, notes, train, processes)
    else:
        from mlff_cli.sweeps.here import run_here

        run_here(planned, notes, train)
