"""Plans of small runs for the tests of sweeps."""

from pathlib import Path

from configs_for_tests import small_config

from mlff_cli.sweeps.notes import Notes
from mlff_cli.sweeps.plan import Plan, PlannedRun


def seeds(folder: Path, count: int, **keys: object) -> tuple[Plan, Notes]:
    """Return a plan of one method with several seeds, and its notes, none of them begun."""
    runs = tuple(
        PlannedRun((f"seed={seed}",), small_config(folder, keys={"seed": seed, **keys}))
        for seed in range(count)
    )
    plan = Plan(folder / "sweep", runs, 1, "basic", "means", (), ())
    notes = Notes(plan.folder)
    notes.begin(runs)
    return plan, notes
