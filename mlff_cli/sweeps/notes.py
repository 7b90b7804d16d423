"""What became of each run of a sweep: a note in the sweep's folder, by whichever process."""

import json
from collections.abc import Iterable
from pathlib import Path

from mlff_cli.sweeps.plan import PlannedRun
from mlff_cli.system.files import write_atomically

NOT_BEGUN = "was not begun"
BROKEN_OFF = "was killed or interrupted"


class Notes:
    """Reads and writes the notes of one sweep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "jobs"
        self.sweep = folder.name

    def begin(self, runs: Iterable[PlannedRun]) -> None:
        """Note that all runs are still to come; what an earlier sweep noted here goes."""
        for note in self.folder.glob("*.json"):
            note.unlink()
        for run in runs:
            self.write(run, NOT_BEGUN)

    def write(self, run: PlannedRun, error: str | None) -> None:
        """Note how a run stands; None: it is finished."""
        note = {"run": str(run.folder.path), "words": list(run.words), "error": error}
        write_atomically(self._file(run, "json"), json.dumps(note))

    def error(self, run: PlannedRun) -> str | None:
        """Return what was noted last."""
        note = self._file(run, "json")
        return json.loads(note.read_text("utf-8"))["error"] if note.is_file() else NOT_BEGUN

    def log(self, run: PlannedRun) -> Path:
        """Return the file for what a run in a process of its own says."""
        return self._file(run, "log")

    def _file(self, run: PlannedRun, ending: str) -> Path:
        return self.folder / f"{run.name}.{ending}"
