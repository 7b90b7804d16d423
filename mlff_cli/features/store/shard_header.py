"""The header of a shard file, which vouches for every other byte of it.

A shard is a safetensors file. Its name is the hash of its header, the header holds the checksum
of every block, so that no byte can change unnoticed and equal content has one name.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHARD_NAME = re.compile(r"[0-9a-f]{32}\.safetensors")

_TYPES: dict[str, np.dtype[Any]] = {
    "U8": np.dtype(np.uint8),
    "F16": np.dtype(np.float16),
    "F32": np.dtype(np.float32),
}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_ALIGNMENT = 64


class ShardDamageError(Exception):
    """Bytes of a shard are not those that were written; `rows` is how many it held, if known."""

    def __init__(self, path: Path, reason: str, rows: int | None = None) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason, self.rows = path, reason, rows


@dataclass(frozen=True)
class Block:
    """An array of all rows: bytes `start` to `stop` of the file."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    stop: int
    crc32: int


def encode(arrays: Mapping[str, NDArray[Any]]) -> tuple[str, list[bytes | memoryview]]:
    """Return the file's name and its parts: the header and the bytes of each array, in order."""
    entries: dict[str, Any] = {}
    checksums: dict[str, int] = {}
    contents: list[memoryview] = []
    position = 0
    for name, array in arrays.items():
        content = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        entries[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [position, position + len(content)],
        }
        checksums[name] = zlib.crc32(content)
        contents.append(content)
        position += len(content)
    # The format allows only text as metadata.
    entries["__metadata__"] = {"crc32": json.dumps(checksums)}
    text = json.dumps(entries).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    header = len(text).to_bytes(8, "little") + text
    return _file_name(header), [header, *contents]


def read_header(path: Path, file: FileIO, size: int) -> tuple[dict[str, Block], int]:
    """Return the arrays by name, and the length that the file must have.

    Raises:
        ShardDamageError: The header is not what was written.
    """
    start = 8 + int.from_bytes(file.read(8), "little")
    if start > size:
        raise ShardDamageError(path, "the header is cut off or damaged")
    file.seek(0)
    header = file.read(start)
    if _file_name(header) != path.name:
        raise ShardDamageError(path, "the header does not match the checksum in the file's name")
    entries = json.loads(header[8:])
    checksums = json.loads(entries.pop("__metadata__")["crc32"])
    blocks = {
        name: Block(
            dtype=_TYPES[entry["dtype"]],
            shape=tuple(entry["shape"]),
            start=start + entry["data_offsets"][0],
            stop=start + entry["data_offsets"][1],
            crc32=checksums[name],
        )
        for name, entry in entries.items()
    }
    return blocks, max(block.stop for block in blocks.values())


def _file_name(header: bytes) -> str:
    return f"{hashlib.sha256(header).hexdigest()[:32]}.safetensors"
