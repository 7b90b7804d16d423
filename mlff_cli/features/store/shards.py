"""One file of the store: rows of several features, read where they lie.

The file is written here and not by the safetensors library, which would hold a second copy of
all rows in memory and hides the reason when the disk is full.
"""

import errno
import mmap
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlff_cli.features.store.files import unreadable, write_whole
from mlff_cli.features.store.shard_header import Block, ShardDamageError, encode, read_header

DAMAGED_SUFFIX = ".damaged"
KEY_BYTES = 16

_ROWS_PER_SHARD = 4096
_BYTES_PER_SHARD = 256 << 20
_CHUNK = 1 << 20
_KEYS = "keys"


@dataclass(eq=False)
class Shard:
    """A shard whose header and keys were found undamaged. Keeps no file open."""

    path: Path
    size: int
    keys: NDArray[np.uint8]  # (N, 16)
    blocks: Mapping[str, Block]
    _verified: set[str] = field(default_factory=set)

    @property
    def map_bytes(self) -> int:
        """What features take that keep places: (N, C, H, W)."""
        return sum(b.stop - b.start for b in self.blocks.values() if len(b.shape) == 4)

    @classmethod
    def open(cls, path: Path) -> "Shard":
        """Read header and keys.

        Raises:
            ShardDamageError: They, or the length of the file, are not what was written.
            UserError: The file must not be read.
            FileNotFoundError: It is gone.
        """
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            blocks, end = read_header(path, file, size)
            keys = blocks.pop(_KEYS)
            rows = keys.shape[0]
            if end != size:
                raise ShardDamageError(path, f"{size:,} bytes long instead of {end:,}", rows)
            file.seek(keys.start)
            content = file.read(keys.stop - keys.start)
        if zlib.crc32(content) != keys.crc32:
            raise ShardDamageError(path, "the row keys do not match their checksum", rows)
        return cls(path, size, np.frombuffer(content, np.uint8).reshape(keys.shape), blocks)

    def verify(self, names: Iterable[str]) -> None:
        """Compare the features `names` with their checksums, once for each in this process.

        Raises:
            ShardDamageError: One of them differs.
            UserError: The file must not be read.
            FileNotFoundError: It is gone.
        """
        due = [name for name in names if name not in self._verified]
        if not due:
            return
        with _opened(self.path) as file:
            for name in due:
                if _checksum(file, self.blocks[name]) != self.blocks[name].crc32:
                    reason = f"'{name}' does not match its checksum"
                    raise ShardDamageError(self.path, reason, len(self.keys))
                self._verified.add(name)

    def take(self, names: Sequence[str], rows: NDArray[np.intp]) -> list[NDArray[Any]]:
        """Return rows (n,) of each feature, (n, ...), copied out of the memory-mapped file.

        Raises:
            ShardDamageError: The file has another length than when it was opened.
            UserError: The file must not be read.
            FileNotFoundError: It is gone.
        """
        with _opened(self.path) as file:
            size = os.fstat(file.fileno()).st_size
            if size != self.size:
                reason = f"{size:,} bytes long instead of {self.size:,}"
                raise ShardDamageError(self.path, reason, len(self.keys))
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        taken = []
        for name in names:
            block = self.blocks[name]
            count = (block.stop - block.start) // block.dtype.itemsize
            values: NDArray[Any] = np.frombuffer(mapped, block.dtype, count, block.start)
            taken.append(np.take(values.reshape(block.shape), rows, axis=0))
        return taken


def write_shards(
    folder: Path, keys: NDArray[np.uint8], columns: Mapping[str, NDArray[Any]]
) -> list[Path]:
    """Write rows with `keys` (N, 16) and `columns` name -> (N, ...) as one or more shards.

    Raises:
        UserError: The disk is full, or the folder cannot be written.
    """
    if not len(keys):
        return []
    step = rows_per_shard(sum(column[0].nbytes for column in columns.values()))
    written = []
    for start in range(0, len(keys), step):
        rows = slice(start, start + step)
        arrays = {name: columns[name][rows] for name in sorted(columns)}
        # Keys come first: they and the header are all that is read to open the shard.
        name, parts = encode({_KEYS: keys[rows], **arrays})
        write_whole(folder / name, parts)
        written.append(folder / name)
    return written


def rows_per_shard(row_bytes: int) -> int:
    """Return how many rows of that size make a full shard."""
    return max(1, min(_ROWS_PER_SHARD, _BYTES_PER_SHARD // max(row_bytes, 1)))


def set_aside(shard: Path) -> bool:
    """Rename a damaged shard, so that no process reads it; `False` where that is not permitted."""
    try:
        shard.replace(shard.with_name(shard.name + DAMAGED_SUFFIX))
    except FileNotFoundError:
        pass  # another process did it
    except OSError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[FileIO]:
    """Open for reading; a bad sector is damage, a lack of permission the user's to fix.

    What another machine deletes meanwhile is gone: a network file system calls it stale.
    """
    try:
        with path.open("rb", buffering=0) as file:
            yield file
    except PermissionError as error:
        raise unreadable(path, error) from error
    except OSError as error:
        if error.errno == errno.ESTALE:
            raise FileNotFoundError(errno.ENOENT, "deleted by another machine", path) from error
        if error.errno != errno.EIO:
            raise
        raise ShardDamageError(path, "the disk cannot read it (input/output error)") from error


def _checksum(file: FileIO, block: Block) -> int:
    """Stream the block, so that memory stays flat whatever its size."""
    checksum, position = 0, block.start
    buffer = memoryview(bytearray(min(_CHUNK, block.stop - block.start)))
    file.seek(position)
    while position < block.stop:
        count = file.readinto(buffer[: block.stop - position])
        if not count:
            break  # cut off: the checksum over what is left differs
        checksum = zlib.crc32(buffer[:count], checksum)
        position += count
    return checksum
