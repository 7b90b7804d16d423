"""Tells a tracker of a run: what it does not hold yet, and never so that the run is harmed."""

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.system.files import write_atomically
from mlff_cli.trackers.base import Findings, Point, Subject, Tracker, points_of

NOTE = "tracker.json"
"""In the run's folder: which run of the tracker it is, and what was written last."""

PATIENCE = 120.0
"""Seconds after which a tracker counts as hanging."""

log = logging.getLogger(__name__)


class Following:
    """Tells a tracker of one run; the first error ends that, with one warning.

    A run that was broken off goes on in the same run of the tracker. What is told is what the
    tracker lacks, so no experience is written twice, and none is left out.
    """

    def __init__(self, tracker: Tracker | None, folder: Path, config: Mapping[str, Any]) -> None:
        self._tracker = tracker
        self._folder = folder
        self._config = config
        self._found_by: str | None = None
        self._written = -1

    def __enter__(self) -> "Following":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if error is not None and self._tracker is not None and self._found_by is not None:
            self._harmless(self._tracker.break_off)

    def scores(self, matrix: ScoreMatrix) -> None:
        """Tell the scores so far."""
        if self._tracker is not None:
            self._harmless(partial(self._catch_up, self._tracker, points_of(matrix)))

    def finish(self, findings: Callable[[], Findings], step: int) -> None:
        """Tell what the finished run leaves, after the training of experience `step`."""
        tracker = self._tracker
        if tracker is not None:
            self._harmless(lambda: tracker.finish(findings(), step))

    def _catch_up(self, tracker: Tracker, points: list[Point]) -> None:
        last = max((point.step for point in points), default=-1)
        held = set() if self._found_by is not None else self._begin(tracker, last)
        new = [p for p in points if p.step > self._written and (p.key, p.step) not in held]
        if new:
            tracker.add(new)
        self._written = last
        self._write_note()

    def _begin(self, tracker: Tracker, last: int) -> set[tuple[str, int]]:
        """Begin or go on; return what the tracker holds behind what was noted last."""
        earlier, written = self._noted()
        if written > last:  # the run starts over
            earlier = None
        subject = Subject(f"{self._folder.parent.name}/{self._folder.name}", self._config)
        self._found_by = tracker.begin(subject, earlier)
        if self._found_by != earlier:
            return set()
        self._written = written
        return set(tracker.holds())

    def _noted(self) -> tuple[str | None, int]:
        try:
            note = json.loads((self._folder / NOTE).read_text(encoding="utf-8"))
            if note["tracker"] == self._name:
                return str(note["run"]), int(note["written"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # none yet, or not readable: told anew
        return None, -1

    def _write_note(self) -> None:
        note = {"tracker": self._name, "run": self._found_by, "written": self._written}
        write_atomically(self._folder / NOTE, json.dumps(note, indent=2) + "\n")

    @property
    def _name(self) -> str:
        return str(self._config["tracker"]["name"])

    def _harmless(self, work: Callable[[], None]) -> None:
        """Do something with the tracker; give it up where that fails or does not end."""
        try:
            _in_time(work, PATIENCE)
        except Exception as error:
            self._tracker = None
            reason = str(error).strip().partition("\n")[0]
            kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
            log.warning(
                "tracker=%s failed, the run goes on without: %s%s", self._name, kind, reason
            )


def _in_time(work: Callable[[], None], seconds: float) -> None:
    """Do something in a thread of its own, which is left alone when the time is up.

    Raises:
        TimeoutError: It has not ended by then.
        Exception: What it raised.
    """
    raised: list[BaseException] = []

    def carry_out() -> None:
        try:
            work()
        except BaseException as error:  # a library may call exit
            raised.append(error)

    thread = Thread(target=carry_out, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"no answer within {seconds:g} s")
    if raised and isinstance(raised[0], Exception):
        raise raised[0]
    if raised:
        raise RuntimeError(f"it called for the end of the program ({raised[0]!r})")
