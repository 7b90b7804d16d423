"""How many runs of a sweep are carried out at a time."""

from collections.abc import Sequence

from mlff_cli.sweeps.plan import PlannedRun
from mlff_cli.system.accelerator import default_device
from mlff_cli.system.processes import cores, memory

RUN_BYTES = 4 << 30
"""Room for a run: features up to 2 GiB lie in memory, beside torch and a backbone."""


def fitting(runs: Sequence[PlannedRun]) -> int:
    """Return how many of the runs fit this machine at a time, at least 1.

    Those on a GPU share its memory, and go one after another.
    """
    if any(_device(run) != "cpu" for run in runs):
        return 1
    return max(1, min(len(runs), cores(), memory() // RUN_BYTES))


def _device(run: PlannedRun) -> str:
    asked: str = run.config["trainer"]["device"]
    return default_device() if asked == "auto" else asked


def features_read(run: PlannedRun) -> str | None:
    """Return what a run reads from the store of features; None where it stores nothing."""
    from mlff_cli.methods.base import Method
    from mlff_cli.runs.registry import class_of

    config = run.config
    method = class_of("methods", config["method"]["name"], Method)
    if not method.reads_features or not config["features"]["store"]:
        return None
    return repr([config["data"], config["backbone"], config["features"]])
