"""Where the sweep that is running writes its table, and which; Hydra tells it to whoever asks."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback

_RUNNING: list[tuple[str, str]] = []
_PLANNED: list[Callable[[], None]] = []


class SweepFolderCallback(Callback):
    """Notes the sweep's folder in the process that starts the jobs."""

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Hear of a sweep that begins."""
        begin(config.hydra)


def begin(hydra: Any) -> None:
    """Begin a sweep; what an earlier one noted of its runs is noted anew."""
    _RUNNING.append((str(hydra.sweep.dir), str(hydra.job.name)))
    for note in notes(of_sweep()).glob("*.json"):
        note.unlink()
    for note_anew in _PLANNED:
        note_anew()
    _PLANNED.clear()


def plan(notes_of_runs: Iterable[Callable[[], None]]) -> None:
    """Say how to note the runs of the next sweep: one that is lost before it begins is named."""
    _PLANNED[:] = notes_of_runs


def of_sweep() -> str:
    """Return the folder, in the process that started the sweep."""
    return _RUNNING[-1][0]


def table_of_sweep() -> str:
    """Return the name of the sweep's table: `hydra.job.name` of its experiment."""
    return _RUNNING[-1][1]


def of_job() -> str:
    """Return the folder, within a job, in whatever process it runs."""
    return str(HydraConfig.get().sweep.dir)


def notes(folder: Path | str) -> Path:
    """Return where a sweep notes what became of each of its runs."""
    return Path(folder) / "jobs"
