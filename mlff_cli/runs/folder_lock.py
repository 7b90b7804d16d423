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
            write_atomically(note, json.dumps(_this_process()))
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
            lock.acquire(timeout=0)
        except Timeout:
            # The processes that decode images outlive a killed run by seconds, its lock in hand.
            try:
                lock.acquire(timeout=LINGERING_SECONDS if _is_dead(_read(note)) else 0)
            except Timeout as error:
                holder = _read(note)
                raise UserError(
                    f"{self.path}: process {holder.get('process', '?')} on "
                    f"{holder.get('host', '?')} has been training this very config since "
                    f"{holder.get('since', '?')}; wait for it, or change a key (seed=...)"
                ) from error

    def holder(self) -> Mapping[str, Any] | None:
        """Return process, host and start of who holds the folder; None where nobody does."""
        note = _read(self.path / ".running")
        if not note or _is_dead(note):
            return None
        try:
            # What a killed process noted may by now be the number of another one.
            with FileLock(self.path / ".lock", timeout=0):
                return None
        except (Timeout, OSError):
            return note


def _this_process() -> dict[str, Any]:
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    return {"process": os.getpid(), "host": platform.node(), "since": since}


def _read(note: Path) -> dict[str, Any]:
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
