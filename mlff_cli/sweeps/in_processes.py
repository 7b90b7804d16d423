"""Runs of a sweep in processes of their own: one that is killed takes no other with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlff_cli.commands.sweep import Job
from mlff_cli.runs.folder import RunFolder

COMMAND = (sys.executable, "-m", "mlff_cli", "train")

PAUSE = 0.1
"""Seconds between two looks at the processes."""


class Planned(NamedTuple):
    """A run that has not begun, and the words of `mlff train` that begin it."""

    job: Job
    words: Sequence[str]

    @property
    def features(self) -> str | None:
        """What the run reads from the store of features; None where it stores nothing."""
        config = self.job.config
        if config["method"]["name"] == "finetune" or not config["features"]["store"]:
            return None
        return repr([config["data"], config["backbone"], config["features"]])


class Running(NamedTuple):
    """A run and its process."""

    planned: Planned
    process: "subprocess.Popen[bytes]"


def run_all(
    folder: str, runs: Sequence[tuple[Sequence[str], Mapping[str, Any]]], processes: int
) -> int:
    """Carry out runs, so many at a time; note what became of each; return 1 if one failed.

    Of the runs that read the same features the first one goes ahead of the others, which find
    them stored.

    Args:
        folder: Of the sweep.
        runs: The words behind `mlff train`, and the config that they make.
        processes: Runs at a time.
    """
    waiting = [Planned(Job(config, folder), words) for words, config in runs]
    for planned in waiting:
        planned.job.note_planned()
    running: list[Running] = []
    stored: set[str | None] = {None}
    failed = False
    try:
        while waiting or running:
            begun = {entry.planned.features for entry in running} - stored
            ready = [planned for planned in waiting if planned.features not in begun]
            if len(running) < processes and ready:
                planned = ready[0]
                waiting.remove(planned)
                if RunFolder(planned.job.path).finished:
                    planned.job.note(None)
                    print(f"finished before, not repeated: {planned.job.title}", flush=True)
                else:
                    running.append(_begin(planned, processes))
                continue
            time.sleep(PAUSE)
            for entry in [entry for entry in running if entry.process.poll() is not None]:
                running.remove(entry)
                failed |= not _ended(entry)
                stored.add(entry.planned.features)
    finally:
        _end(running)
    return int(failed)


def _begin(planned: Planned, processes: int) -> Running:
    job = planned.job
    job.note("was killed or interrupted")
    print(f"begins: {job.title}: {job.path}", flush=True)
    threads = str(max(1, (os.cpu_count() or 1) // processes))
    with job.file.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [*COMMAND, *planned.words],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": threads, **os.environ},
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
    return Running(planned, process)


def _die_with_parent() -> None:
    """Ask Linux for SIGTERM when the sweep is killed: its runs must not go on without it."""
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _ended(entry: Running) -> bool:
    """Note and say how a process ended; return whether its run is finished."""
    job, code = entry.planned.job, entry.process.returncode
    if code == 0 or RunFolder(job.path).finished:
        job.note(None)
        print(f"finished: {job.title}", flush=True)
        return True
    said = f"was killed by signal {-code}" if code < 0 else _message(job) or f"exit code {code}"
    job.note(said)
    print(f"mlff: this run failed: {job.title}: {said}", file=sys.stderr, flush=True)
    return False


def _message(job: Job) -> str:
    """Return the last message of a run that failed."""
    text = job.file.with_suffix(".log").read_text("utf-8", "replace")
    return text.rpartition("mlff: ")[2].strip() if "mlff: " in text else ""


def _end(running: Sequence[Running]) -> None:
    """End what still runs, when the sweep itself is interrupted; each keeps its state."""
    for entry in running:
        entry.process.terminate()
    for entry in running:
        entry.process.wait()
