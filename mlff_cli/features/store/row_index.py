"""Where the rows of many shards stand, by key."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlff_cli.features.store.shards import KEY_BYTES, Shard


def pack_keys(keys: Sequence[str]) -> NDArray[np.uint8]:
    """Return the bytes (N, 16) of keys of 32 hex digits.

    Raises:
        ValueError: A key is not 32 hex digits.
    """
    if any(len(key) != 2 * KEY_BYTES for key in keys):
        raise ValueError(f"a row key has {2 * KEY_BYTES} hex digits")
    packed = np.frombuffer(bytes.fromhex("".join(keys)), np.uint8)
    return packed.reshape(len(keys), KEY_BYTES)


class RowIndex:
    """Sorted keys of shards: a dictionary of millions of rows would cost seconds and gigabytes."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = tuple(shards)
        first, second = _halves(np.concatenate([shard.keys for shard in shards]))
        order = np.argsort(first, kind="stable")
        self._first, self._second = first[order], second[order]
        lengths = np.array([len(shard.keys) for shard in shards])
        self._shard = np.repeat(np.arange(len(shards)), lengths)[order]
        self._row = np.concatenate([np.arange(length) for length in lengths])[order]

    def find(self, keys: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return for keys (N, 16) the position in `shards` and the row in it; -1 where absent."""
        first, second = _halves(keys)
        shard = np.full(len(keys), -1, np.intp)
        row = np.full(len(keys), -1, np.intp)
        place = np.searchsorted(self._first, first)
        open_ = np.arange(len(keys))
        while len(open_):  # more than once only where keys agree in their first half
            open_ = open_[place[open_] < len(self._first)]
            open_ = open_[self._first[place[open_]] == first[open_]]
            hit = self._second[place[open_]] == second[open_]
            found = open_[hit]
            shard[found] = self._shard[place[found]]
            row[found] = self._row[place[found]]
            open_ = open_[~hit]
            place[open_] += 1
        return shard, row


def _halves(keys: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    words = np.ascontiguousarray(keys).view(np.uint64)
    return words[:, 0], words[:, 1]
