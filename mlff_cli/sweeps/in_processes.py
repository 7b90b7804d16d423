"""Runs of a sweep in processes of their own: one that is killed takes no other with it."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from mlff_cli.sweeps.notes import BROKEN_OFF, Notes
from mlff_cli.sweeps.plan import Plan, PlannedRun

COMMAND = (sys.executable, "-m", "mlff_cli", "train")

PAUSE = 0.1
"""Seconds between two looks at the processes."""


class Running(NamedTuple):
    """A run and its process."""

    run: PlannedRun
    process: "subprocess.Popen[bytes]"


def run_in_processes(plan: Plan, notes: Notes) -> None:
    """Carry out the plan, so many runs at a time as it says, and note what became of each.

    Of the runs that read the same features the first one goes ahead of the others, which find
    them stored.
    """
    work = _Work(plan, notes, list(plan.runs))
    try:
        while work.waiting or work.running:
            if not work.begin_next():
                time.sleep(PAUSE)
                work.look()
    finally:
        work.end()


@dataclass
class _Work:
    """Which runs wait, which are under way, and whose features are stored by now."""

    plan: Plan
    notes: Notes
    waiting: list[PlannedRun]
    running: list[Running] = field(default_factory=list)
    stored: set[str | None] = field(default_factory=lambda: {None})

    def begin_next(self) -> bool:
        """Begin a run, if one may begin now; return whether there was one."""
        if len(self.running) == self.plan.processes:
            return False
        computed = {features_read(entry.run) for entry in self.running} - self.stored
        for run in self.waiting:
            if not computed or features_read(run) not in computed:
                self.waiting.remove(run)
                self._begin(run)
                return True
        return False

    def look(self) -> None:
        """See to the processes that have ended."""
        for entry in [entry for entry in self.running if entry.process.poll() is not None]:
            self.running.remove(entry)
            self._ended(entry)
            self.stored.add(features_read(entry.run))

    def end(self) -> None:
        """End what still runs, when the sweep itself is interrupted; each keeps its state."""
        for entry in self.running:
            entry.process.terminate()
        for entry in self.running:
            entry.process.wait()

    def _begin(self, run: PlannedRun) -> None:
        if run.folder.finished:
            self.notes.write(run, None)
            print(f"finished before, not repeated: {run.title}", flush=True)
            return
        self.notes.write(run, BROKEN_OFF)
        print(f"begins: {run.title}: {run.folder.path}", flush=True)
        self.running.append(Running(run, self._start(run)))

    def _start(self, run: PlannedRun) -> "subprocess.Popen[bytes]":
        threads = str(max(1, (os.cpu_count() or 1) // self.plan.processes))
        folders = [f"--config-dir={folder}" for folder in self.plan.folders]
        with self.notes.log(run).open("wb") as log:
            return subprocess.Popen(
                [*COMMAND, *folders, *run.words],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={"OMP_NUM_THREADS": threads, **os.environ},
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )

    def _ended(self, entry: Running) -> None:
        """Note and say how a process ended."""
        run, code = entry.run, entry.process.returncode
        if code == 0 or run.folder.finished:
            self.notes.write(run, None)
            print(f"finished: {run.title}", flush=True)
            return
        said = f"was killed by signal {-code}" if code < 0 else self._message(run)
        said = said or f"exit code {code}"
        self.notes.write(run, said)
        print(f"mlff: this run failed: {run.title}: {said}", file=sys.stderr, flush=True)

    def _message(self, run: PlannedRun) -> str:
        """Return the last message of a run that failed."""
        text = self.notes.log(run).read_text("utf-8", "replace")
        return text.rpartition("mlff: ")[2].strip() if "mlff: " in text else ""


def features_read(run: PlannedRun) -> str | None:
    """Return what a run reads from the store of features; None where it stores nothing."""
    from mlff_cli.methods.base import Method
    from mlff_cli.runs.registry import class_of

    config = run.config
    method = class_of("methods", config["method"]["name"], Method)
    if not method.reads_features or not config["features"]["store"]:
        return None
    return repr([config["data"], config["backbone"], config["features"]])


def _die_with_parent() -> None:
    """Ask Linux for SIGTERM when the sweep is killed: its runs must not go on without it."""
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
