"""Images that arrive in a folder: which of them are new, and whole."""

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mlff_cli.data.asked import is_named_like_an_image
from mlff_cli.data.files import FileImage, natural
from mlff_cli.errors import UserError

AT_ONCE = 32
"""Images that are answered together at most: what a killed process loses of its work."""


class Version(NamedTuple):
    """A state of a file; whatever changes its content changes one of these.

    Attributes:
        size: In bytes.
        modified_ns: When its content changed last.
        changed_ns: When anything of it did, its name or rights too.
        number: That the disk knows it by.
    """

    size: int
    modified_ns: int
    changed_ns: int
    number: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Version":
        """Return the state that the system tells of a file."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@dataclass
class Arrivals:
    """What is known of the files of a folder from one look at it to the next.

    Of a file that is gone nothing is kept.

    Attributes:
        settle: Seconds for which a file must not have changed: it may still be written.
    """

    settle: float
    _since: dict[str, tuple[Version, float]] = field(default_factory=dict)
    _done: dict[str, Version] = field(default_factory=dict)

    def ready(self, found: Mapping[str, Version], now: float) -> list[str]:
        """Return the files to deal with, in the order of their times.

        Args:
            found: All files that are there, by path.
            now: Seconds of a clock that is never set.
        """
        self._done = {path: own for path, own in self._done.items() if found.get(path) == own}
        self._since = {
            path: self._since[path]
            if path in self._since and self._since[path][0] == version
            else (version, now)
            for path, version in found.items()
            if path not in self._done
        }
        settled = [path for path, (_, since) in self._since.items() if now - since >= self.settle]
        return sorted(settled, key=lambda path: (found[path].modified_ns, natural(path)))

    def done(self, path: str, version: Version) -> None:
        """Take down that a file was dealt with in the state that it had then."""
        self._done[path] = version


class Arrived(NamedTuple):
    """An image that is new, and whole as far as can be known.

    Attributes:
        path: Absolute.
        content: SHA-256 of the file; "" where it cannot be read.
        version: Its state before it was read.
    """

    path: Path
    content: str
    version: Version

    @property
    def is_as_it_was(self) -> bool:
        """Whether the file is still the one that was read."""
        try:
            return Version.of(self.path.stat()) == self.version
        except OSError:
            return False


class WatchedFolder:
    """A folder and what arrives in it, or below it.

    Attributes:
        path: Absolute.
        interval: Seconds from a look to the next one.
    """

    def __init__(self, path: Path, *, interval: float, settle: float) -> None:
        """Begin to watch.

        Raises:
            UserError: There is no such folder.
        """
        self.path = path.absolute()
        self.interval = interval
        self._arrivals = Arrivals(settle)
        if not self.path.is_dir():
            what = "is not a folder" if path.exists() else "does not exist"
            raise UserError(f"--watch {path}: {what}; give the folder in which images arrive")
        self._disk = self.path.stat().st_dev

    def batches(self, is_known: Callable[[str, str], bool]) -> Iterator[list[Arrived]]:
        """Yield what is new, a few images at a time, for ever.

        What was yielded and is not `done` by the next look comes again.

        Args:
            is_known: Whether an image of that path and content (a hash) needs nothing any more.

        Raises:
            UserError: The folder is gone.
        """
        while True:
            found = self._look()
            ready = self._arrivals.ready(found, time.monotonic())
            for start in range(0, len(ready), AT_ONCE):
                new: list[Arrived] = []
                for path in ready[start : start + AT_ONCE]:
                    image = _arrived(path, found[path])
                    if is_known(path, image.content):
                        self.done(image)
                    else:
                        new.append(image)
                if new:
                    yield new
            time.sleep(self.interval)

    def done(self, image: Arrived) -> None:
        """Take down that an image needs nothing more as long as its file does not change."""
        self._arrivals.done(str(image.path), image.version)

    def _look(self) -> dict[str, Version]:
        """Return every file that is named like an image, by path."""
        try:
            if self.path.stat().st_dev != self._disk:
                raise self._gone("another disk lies there now")
            return dict(_below(self.path))
        except OSError as error:
            raise self._gone(f"{error.filename}: {error.strerror}") from error

    def _gone(self, why: str) -> UserError:
        return UserError(
            f"--watch {self.path}: the folder is gone, or cannot be read any more ({why}); put it "
            "back, and the same command goes on"
        )


def _below(folder: Path | str) -> Iterator[tuple[str, Version]]:
    """Yield the images below a folder as `asked_images` finds them, links to folders left out.

    What goes while it is looked at is not there.

    Raises:
        OSError: The folder cannot be listed.
    """
    inner: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                inner.append(entry.path)
            elif is_named_like_an_image(entry.name):
                # Not the state that the entry knows: it may lag behind while a file is written.
                with suppress(OSError):
                    status = Path(entry.path).stat()
                    if stat.S_ISREG(status.st_mode):
                        yield entry.path, Version.of(status)
    for path in inner:
        with suppress(FileNotFoundError, NotADirectoryError):
            yield from _below(path)


def _arrived(path: str, version: Version) -> Arrived:
    image = FileImage(Path(path))
    try:
        return Arrived(image.path, image.identity(), version)
    except UserError:
        return Arrived(image.path, "", version)
