"""A folder that one process alone works in, and who that is."""

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mlff_cli.errors import UserError
from mlff_cli.system.files import write_atomically
from mlff_cli.system.processes import has_ended

LINGERING_SECONDS = 15.0


class FolderLock:
    """The lock of a folder, and a note of who holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder alone.

        Raises:
            UserError: Another process is at it, or the folder cannot be written.
        """
        lock = FileLock(self.path / ".lock")
        note = self.path / ".running"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._acquire(lock, note)
            for left_over in self.path.rglob(".*.tmp"):
                left_over.unlink()  # by a killed process: the lock is ours, so nobody writes
            write_atomically(note, json.dumps(this_process()))
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be written ({error.strerror or error}); give another folder "
                "with paths.runs=..."
            ) from error
        try:
            yield
        finally:
            with suppress(OSError):
                note.unlink(missing_ok=True)
            lock.release()

    def _acquire(self, lock: FileLock, note: Path) -> None:
        try:
            acquire(lock, note)
        except Timeout as error:
            holder = noted(note)
            raise UserError(
                f"{self.path}: process {holder.get('process', '?')} on "
                f"{holder.get('host', '?')} has been training this very config since "
                f"{holder.get('since', '?')}; wait for it, or change a key (seed=...)"
            ) from error

    def holder(self) -> Mapping[str, Any] | None:
        """Return process, host and start of who holds the folder; None where nobody does."""
        note = noted(self.path / ".running")
        if not note or _is_dead(note):
            return None
        try:
            # What a killed process noted may by now be the number of another one.
            with FileLock(self.path / ".lock", timeout=0):
                return None
        except (Timeout, OSError):
            return note


def acquire(lock: FileLock, note: Path) -> None:
    """Take a lock at once, or a little later from a process that was killed.

    Args:
        lock: That is taken.
        note: Where its holder has noted `this_process`.

    Raises:
        Timeout: Another process holds it.
    """
    try:
        lock.acquire(timeout=0)
    except Timeout:
        # The processes that decode images outlive a killed run by seconds, its lock in hand.
        lock.acquire(timeout=LINGERING_SECONDS if _is_dead(noted(note)) else 0)


def this_process() -> dict[str, Any]:
    """Return number, host and start of this process, to be noted where it holds a lock."""
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    return {"process": os.getpid(), "host": platform.node(), "since": since}


def noted(note: Path) -> dict[str, Any]:
    """Return what the holder of a lock has noted of itself; empty where that cannot be read."""
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_dead(holder: Mapping[str, Any]) -> bool:
    """Whether the process is known to have ended: on this machine, and not there any more."""
    process = holder.get("process")
    here = holder.get("host") == platform.node()
    return here and isinstance(process, int) and has_ended(process)
