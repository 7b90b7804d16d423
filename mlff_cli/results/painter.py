"""A second process that draws a run's pictures: matplotlib is ready there when training ends."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from types import TracebackType

from mlff_cli.system.processes import when_parent_ends

Work = Callable[[], object]
"""Draws something into a file; a function of a module, with its arguments."""


class Painter:
    """Draws pictures beside this process, or in it where the other one is gone.

    Serves any number of runs; the other process ends with the `with` block.

    Args:
        beside: Whether there may be another process. It imports the program that starts it anew,
            which whoever calls this package from Python has not asked for.
        patient: Whether the `with` block lasts until the other process has ended.
    """

    def __init__(self, *, beside: bool = True, patient: bool = False) -> None:
        self.beside = beside
        self.patient = patient
        self._pool: ProcessPoolExecutor | None = None
        self._due: list[tuple[Work, Future[None] | None]] = []

    def __enter__(self) -> "Painter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=self.patient, cancel_futures=True)

    def warm_up(self) -> None:
        """Start the process, unless it runs, for a run that has nothing due yet."""
        self._due = []
        if self._pool is None and self.beside:
            # Forked, it would hold locks of torch's threads.
            self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_get_ready)
            self._submitted(None)

    def begin(self, work: Work) -> None:
        """Have something drawn; `finish` waits for it."""
        self._due.append((work, self._submitted(work)))

    def finish(self) -> None:
        """Return when all is on the disk; what the other process could not do is done here."""
        due, self._due = self._due, []
        for work, drawn in due:
            if drawn is None or drawn.exception() is not None:
                work()

    def _submitted(self, work: Work | None) -> "Future[None] | None":
        """Hand over work, or None to let the process start; None where it is gone."""
        if self._pool is None:
            return None
        try:
            return self._pool.submit(_done, work)
        except BrokenProcessPool:
            self._pool = None
            return None


def _get_ready() -> None:
    """Import matplotlib while there is time, and end with the process that waits for pictures."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process decides what Ctrl-C ends
    when_parent_ends(partial(os._exit, 0))
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import matplotlib.font_manager  # noqa: F401


def _done(work: Work | None) -> None:
    if work is not None:
        work()
