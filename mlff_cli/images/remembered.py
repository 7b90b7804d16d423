"""What was found in files, remembered: they are read again only when they changed."""

import json
import logging
import os
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from mlff_cli.errors import UserError
from mlff_cli.system.silence import no_bars

logger = logging.getLogger(__name__)

_SETTLED_NANOSECONDS = 2_000_000_000
_THREADS = 4


class _Version(NamedTuple):
    """A state of a file. The change time tells a replaced file whose old times were kept."""

    path: str
    size: int
    modified_ns: int
    changed_ns: int


def of_files(
    paths: Sequence[str],
    memo: Path | None,
    read: Callable[[BufferedReader], str],
    title: str | None = None,
) -> dict[str, str]:
    """Return what is asked of each file: remembered, where it is as it was, else read.

    Args:
        paths: Absolute.
        memo: The file that remembers it; None: nothing is remembered.
        read: Returns it of an open file.
        title: Of a bar that shows how many are read; None: there is none.

    Raises:
        UserError: A file cannot be read; the message names it.
    """
    paths = list(dict.fromkeys(paths))
    if not paths:
        return {}
    known = _load(memo)
    facts: dict[str, str] = {}
    for path in paths:
        version = _found(path)
        if version in known:
            facts[path] = known[version]
    due = [path for path in paths if path not in facts]
    if not due:
        return facts
    from tqdm import tqdm

    with ThreadPoolExecutor(_THREADS) as pool:
        results = pool.map(lambda path: _read(path, read), due)
        hidden = title is None or no_bars()
        new = list(tqdm(results, title, len(due), disable=hidden, delay=1))
    _append(memo, [(version, fact) for fact, version in new if version is not None])
    return facts | dict(zip(due, (fact for fact, _ in new), strict=True))


def _found(path: str) -> _Version:
    try:
        return _version(path, os.stat(path))  # noqa: PTH116 pathlib is slower
    except OSError as error:
        raise _unreadable(path, error) from error


def _version(path: str, status: os.stat_result) -> _Version:
    return _Version(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _read(path: str, read: Callable[[BufferedReader], str]) -> tuple[str, _Version | None]:
    """Return what is read of a file, and what it may be remembered by.

    A file that changed just now may change again within the resolution of its times: it is not
    remembered.
    """
    now = time.time_ns()
    try:
        with Path(path).open("rb") as file:
            before = _version(path, os.fstat(file.fileno()))
            found = read(file)
            after = _version(path, os.fstat(file.fileno()))
    except OSError as error:
        raise _unreadable(path, error) from error
    settled = now - max(after.modified_ns, after.changed_ns) >= _SETTLED_NANOSECONDS
    return found, after if settled and before == after else None


def _load(memo: Path | None) -> dict[_Version, str]:
    """Read the lines: a checksum and [path, size, modified, changed, hash]."""
    known: dict[_Version, str] = {}
    try:
        lines = b"" if memo is None else memo.read_bytes()
    except FileNotFoundError:
        return known
    except OSError as error:
        logger.warning("%s cannot be read (%s); all files are hashed again", memo, error.strerror)
        return known
    whole = [entry for entry in map(_entry, lines.split(b"\n")) if entry]
    for *version, digest in json.loads(b"[%s]" % b",".join(whole)):
        known[_Version(*version)] = digest
    return known


def _entry(line: bytes) -> bytes:
    """Return what a line holds; b"" where it is cut off by a killed process, or damaged."""
    checksum, _, entry = line.partition(b" ")
    try:
        return entry if int(checksum, 16) == zlib.crc32(entry) else b""
    except ValueError:
        return b""


def _append(memo: Path | None, entries: Iterable[tuple[_Version, str]]) -> None:
    """Add lines in one write, which other processes that append cannot come between."""
    lines = b"".join(_line(version, digest) for version, digest in entries)
    if memo is None or not lines:
        return
    try:
        memo.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(memo, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            # The first line break ends a line that a killed process left unfinished.
            os.write(descriptor, b"\n" + lines)
        finally:
            os.close(descriptor)
    except OSError as error:
        logger.warning("%s cannot be written (%s); files are hashed again", memo, error.strerror)


def _line(version: _Version, digest: str) -> bytes:
    entry = json.dumps([*version, digest]).encode()
    return b"%08x %s\n" % (zlib.crc32(entry), entry)


def _unreadable(path: str, error: OSError) -> UserError:
    return UserError(
        f"{path}: the image cannot be read ({error.strerror}); put the file back or make it "
        "readable, or take it out of the data set"
    )
