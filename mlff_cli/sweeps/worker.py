"""A process that carries out runs of a sweep, one after another."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from mlff_cli.config.plug_ins import beside
from mlff_cli.results.painter import Painter
from mlff_cli.runs.listing import Listing
from mlff_cli.sweeps.here import Train
from mlff_cli.sweeps.plan import PlannedRun
from mlff_cli.system import garbage, streams
from mlff_cli.system.failures import explained
from mlff_cli.system.interruption import interruptible
from mlff_cli.system.leaving import Leaving
from mlff_cli.system.processes import when_parent_ends

PAUSE = 0.5
"""Seconds between two looks whether a process is still there."""

GRACE = 120.0
"""Seconds that a process has to keep the state of its run."""


class Job(NamedTuple):
    """What a worker is asked for.

    Attributes:
        config: Of the run.
        log: The file for what the run says.
        threads: Of the processor that it may use; None: all.
    """

    config: Mapping[str, Any]
    log: Path
    threads: int | None


class Worker:
    """Another process that trains; it ends with this one.

    Args:
        train: Brings the run of a config to its end; a function of a module.
        folders: Of the user's own configs.
    """

    def __init__(self, train: Train, folders: Sequence[Path]) -> None:
        context = get_context("spawn")  # forked, it would hold locks of torch's threads
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, Path.cwd(), train, tuple(folders))
        )
        self._process.start()
        theirs.close()

    def begin(self, job: Job) -> None:
        """Ask for a run; the worker must have none."""
        with suppress(OSError):  # it is gone: `outcome` tells
            self.pipe.send(job)

    @property
    def gone(self) -> bool:
        """Whether the process has ended."""
        return not self._process.is_alive()

    def outcome(self) -> str | None:
        """Return the error of the run that has ended, None where it is finished."""
        try:
            said: str | None = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode or 0
            return f"was killed by signal {-code}" if code < 0 else f"exit code {code}"
        return said

    def end(self) -> None:
        """Have the process end; a run that it carries out keeps its state."""
        self._process.terminate()

    def wait(self) -> None:
        """Return when the process has ended."""
        self._process.join(GRACE)
        self._process.kill()
        self._process.join()


def ended(workers: Sequence[Worker]) -> list[Worker]:
    """Wait until the run of some workers has ended, or a moment, and return these."""
    said = wait([worker.pipe for worker in workers], timeout=PAUSE)
    return [worker for worker in workers if worker.pipe in said or worker.gone]


def _serve(pipe: Connection, place: Path, train: Train, folders: Sequence[Path]) -> None:
    """Carry out what is asked for until the sweep ends."""
    os.chdir(place)  # where the program was started is not always where it stands
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the sweep decides what Ctrl-C ends
    # As on SIGTERM: the runs of a sweep that was killed must not go on without it.
    when_parent_ends(partial(os.kill, os.getpid(), signal.SIGTERM))
    leaving = Leaving()
    garbage.while_importing()
    streams.prepare()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(line_buffering=True)  # a log holds what was said before a kill
    code = 0
    try:
        with interruptible(), beside(folders), Painter(patient=True) as painter:
            import mlff_cli.runs.execution  # noqa: F401 while the first run computes features

            listings: dict[str, Listing] = {}
            while True:
                job = pipe.recv()
                run = PlannedRun((), job.config, listings)
                pipe.send(_carried_out(job, run, train, painter))
    except EOFError:
        pass  # the sweep has ended
    except KeyboardInterrupt:
        code = 128 + signal.SIGTERM
    garbage.at_the_end()
    leaving.code = code


def _carried_out(job: Job, run: PlannedRun, train: Train, painter: Painter) -> str | None:
    """Bring one run to its end; return its error if it fails."""
    from mlff_cli.system.device import limited_threads

    garbage.while_working()
    with job.log.open("wb") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
    try:
        with limited_threads(job.threads):
            train(run.config, painter, run.listing)
    except Exception as error:
        said = explained(error)[0]
        print(f"mlff: {said}", file=sys.stderr)
        return said
    return None
