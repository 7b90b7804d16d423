"""Runs of a sweep in several processes: one that is killed takes no other run with it."""

import sys
from collections.abc import Collection
from dataclasses import dataclass, field

from mlff_cli.sweeps.at_a_time import features_read
from mlff_cli.sweeps.here import Train
from mlff_cli.sweeps.notes import BROKEN_OFF, Notes
from mlff_cli.sweeps.plan import Plan, PlannedRun
from mlff_cli.sweeps.worker import Job, Worker, ended
from mlff_cli.system.processes import cores


def run_in_processes(plan: Plan, notes: Notes, train: Train, processes: int) -> None:
    """Carry out the plan, so many runs at a time, and note what became of each.

    Of the runs that read the same features the first one goes ahead of the others, which find
    them stored. Training on features takes one thread. What trains a backbone takes all of them,
    and runs alone unless the plan asks for so many at a time.
    """
    due = [run for run in plan.runs if not _finished(run, notes)]
    work = _Work(plan, notes, train, due, processes)
    try:
        for _ in range(min(processes, len(due))):
            work.idle.append(Worker(train, plan.folders))
        while work.waiting or work.running:
            if not work.begin_next():
                work.look()
    finally:
        work.end()


def _finished(run: PlannedRun, notes: Notes) -> bool:
    if run.folder.finished:
        notes.write(run, None)
        print(f"finished before, not repeated: {run.title}", flush=True)
    return run.folder.finished


@dataclass
class _Work:
    """Which runs wait, which are under way, and whose features are stored by now."""

    plan: Plan
    notes: Notes
    train: Train
    waiting: list[PlannedRun]
    processes: int
    idle: list[Worker] = field(default_factory=list)
    running: dict[Worker, PlannedRun] = field(default_factory=dict)
    stored: set[str | None] = field(default_factory=lambda: {None})

    def begin_next(self) -> bool:
        """Begin a run, if one may begin now; return whether there was one."""
        if not self.idle:
            return False
        running = {features_read(run) for run in self.running.values()}
        for run in self.waiting:
            if self._fits(features_read(run), running):
                self.waiting.remove(run)
                self._begin(run, self.idle.pop(0))
                return True
        return False

    def _fits(self, features: str | None, running: Collection[str | None]) -> bool:
        """Return whether a run may begin beside others, by the features that they read."""
        if not self.plan.processes and running and None in (features, *running):
            return False
        return features in self.stored or features not in running

    def look(self) -> None:
        """Wait for runs to end, and see to those that have."""
        for worker in ended(list(self.running)):
            run = self.running.pop(worker)
            self._ended(run, worker.outcome())
            self.stored.add(features_read(run))
            if not worker.gone:
                self.idle.append(worker)
            elif self.waiting:
                self.idle.append(Worker(self.train, self.plan.folders))

    def end(self) -> None:
        """End all processes, also where the sweep is interrupted; runs keep their state."""
        workers = [*self.idle, *self.running]
        for worker in workers:
            worker.end()
        for worker in workers:
            worker.wait()

    def _begin(self, run: PlannedRun, worker: Worker) -> None:
        self.notes.write(run, BROKEN_OFF)
        print(f"begins: {run.title}: {run.folder.path}", flush=True)
        worker.begin(Job(run.config, self.notes.log(run), self._threads(run)))
        self.running[worker] = run

    def _threads(self, run: PlannedRun) -> int | None:
        """Return how many threads a run may use; None: all."""
        shared = self.plan.processes and features_read(run) is None
        return max(1, cores() // self.processes) if shared else None

    def _ended(self, run: PlannedRun, error: str | None) -> None:
        """Note and say how a run ended."""
        if error is None or run.folder.finished:
            self.notes.write(run, None)
            print(f"finished: {run.title}", flush=True)
            return
        self.notes.write(run, error)
        print(f"mlff: this run failed: {run.title}: {error}", file=sys.stderr, flush=True)
