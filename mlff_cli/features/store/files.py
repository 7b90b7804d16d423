"""The store's files: written whole, deleted, and clear words when the disk says no."""

import errno
import os
import platform
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from mlff_cli.errors import UserError
from mlff_cli.system.files import write_by_renaming
from mlff_cli.system.processes import has_ended

TEMPORARY_SUFFIX = ".tmp"
_STALE_SECONDS = 3600.0
_HOST = "".join(c if c.isalnum() else "_" for c in platform.node()) or "host"


def write_whole(path: Path, parts: Sequence[bytes | memoryview]) -> None:
    """Write `parts` one after another to `path`; a reader sees all of them or no file.

    The folder is made when missing, and what it lists is brought to the disk as well.

    Raises:
        UserError: The disk is full, or the folder cannot be written.
    """
    temporary = path.with_name(f"{_HOST}-{os.getpid()}-{secrets.token_hex(8)}{TEMPORARY_SUFFIX}")
    try:
        write_by_renaming(path, temporary, parts)
        _sync_folder(path.parent)
    except OSError as error:
        raise _explained(error, path.parent, sum(len(part) for part in parts)) from error


def is_abandoned(temporary: Path) -> bool:
    """Whether no process writes this temporary file any more.

    Its process is dead, or, where that cannot be known, the file was left alone for an hour.
    """
    try:
        idle = time.time() - temporary.stat().st_mtime
    except FileNotFoundError:
        return False
    host, _, process = temporary.stem.rpartition("-")[0].rpartition("-")
    ended = host == _HOST and process.isdigit() and has_ended(int(process))
    return ended or idle > _STALE_SECONDS


def delete(file: Path) -> int:
    """Delete a file that may be gone already; return the bytes freed.

    Raises:
        UserError: That is not permitted.
    """
    try:
        size = file.stat().st_size
        file.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise UserError(
            f"{file}: cannot be deleted ({error.strerror}); make the folder writable"
        ) from error
    return size


def size_of(file: Path) -> int:
    """Return the bytes of a file; 0 of one that another process has deleted meanwhile."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def unreadable(path: Path, error: OSError) -> UserError:
    """Return the error for a file or folder of the store that must not be read."""
    return UserError(
        f"{path}: the feature store cannot be read here ({error.strerror}); make it readable or "
        "give another folder with paths.features=<folder>"
    )


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened, and the rename is durable by itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(error: OSError, folder: Path, needed: int) -> UserError:
    elsewhere = "give another folder with paths.features=<folder>"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(there).free
        return UserError(
            f"{folder}: no space left for {needed:,} bytes of features ({free:,} bytes free"
            f"{', but the quota is used up' if error.errno == errno.EDQUOT else ''}); "
            f"{elsewhere}, or make room with 'mlff features prune'"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(
            f"{folder}: features cannot be written here ({error.strerror}); "
            f"make the folder writable or {elsewhere}"
        )
    return UserError(f"{folder}: features cannot be written here ({error}); {elsewhere}")
