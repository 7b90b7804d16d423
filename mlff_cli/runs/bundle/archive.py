"""A sealed ZIP: stored members in a fixed order, the hash of all before it as its comment.

The same members give the same bytes, and a changed byte anywhere is noticed. Any program can open
it. Nothing in it is compressed, so that no member can be larger than the file.
"""

import hashlib
import io
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from mlff_cli.errors import UserError

SEAL = 64
"""Characters of the hash that an archive ends in."""

PIECE = 1 << 20

UNREADABLE = (BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error)
"""What the standard library raises on an archive that a stranger made."""


def sealed(members: Mapping[str, bytes]) -> bytes:
    """Return the archive of members, in their order."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(_head(name), content)
        archive.comment = b"0" * SEAL
    body = buffer.getbuffer()[:-SEAL]
    return b"".join([body, hashlib.sha256(body).hexdigest().encode()])


def seal_of(content: bytes) -> str:
    """Return the hash that an archive made by `sealed` ends in."""
    return content[-SEAL:].decode()


class Archive:
    """A sealed archive, opened; members are read when they are asked for.

    The file stays open: one that takes its place meanwhile changes nothing.

    Attributes:
        path: Where it lies.
        seal: The hash that it ends in: which archive it is.
    """

    def __init__(self, path: Path) -> None:
        """Open an archive and hash all of it.

        Raises:
            UserError: It cannot be read, was not made by `sealed`, or is damaged.
        """
        self.path = path
        try:
            file = path.open("rb")
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from error
        try:
            self.seal = _checked_seal(path, file)
            self._zip = ZipFile(file)
            self._entries = {entry.filename: entry for entry in self._zip.infolist()}
            self._refuse_foreign()
        except UNREADABLE as error:
            file.close()
            raise UserError(f"{path}: was not made by mlff pack ({error})") from error
        except BaseException:
            file.close()
            raise

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """Return a member.

        Raises:
            UserError: There is none of that name, or it cannot be read.
        """
        try:
            return self._zip.read(self._entry(name))
        except (*UNREADABLE, OSError) as error:
            raise UserError(f"{self.path}: {name}: cannot be read ({error})") from error

    def size(self, name: str) -> int:
        """Return how many bytes a member has.

        Raises:
            UserError: There is none of that name.
        """
        return self._entry(name).file_size

    def _entry(self, name: str) -> ZipInfo:
        if name not in self._entries:
            raise UserError(f"{self.path}: is damaged: it holds no {name!r}")
        return self._entries[name]

    def _refuse_foreign(self) -> None:
        """Raise `ValueError` where something is not as `sealed` writes it."""
        if self._zip.comment != self.seal.encode():
            raise ValueError("its end is not where it should be")
        if len(self._entries) != len(self._zip.infolist()):
            raise ValueError("two members have one name")
        for entry in self._entries.values():
            if entry.compress_type != ZIP_STORED or entry.flag_bits & 1:
                raise ValueError("a member is compressed or encrypted")
            if entry.file_size != entry.compress_size:
                raise ValueError("a member's size is wrong")


def _head(name: str) -> ZipInfo:
    """Return the head of a member; nothing of the clock or of this machine is in it."""
    entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def _checked_seal(path: Path, file: BinaryIO) -> str:
    """Return the hash that a file ends in.

    Raises:
        UserError: It is not the hash of what stands before it.
    """
    left = os.fstat(file.fileno()).st_size - SEAL
    digest = hashlib.sha256()
    while left > 0 and (piece := file.read(min(PIECE, left))):
        digest.update(piece)
        left -= len(piece)
    seal = file.read()
    if left or seal != digest.hexdigest().encode():
        raise UserError(
            f"{path}: is damaged or was not made by mlff pack: it does not end in the hash of its "
            "content; copy it again from where it was made"
        )
    file.seek(0)
    return seal.decode()
