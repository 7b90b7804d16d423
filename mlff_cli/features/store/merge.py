"""Many small or overlapping shards made into few full ones."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlff_cli.features.store.catalog import MissingRowsError, ShardCatalog
from mlff_cli.features.store.files import delete, size_of
from mlff_cli.features.store.shard_header import ShardDamageError
from mlff_cli.features.store.shards import KEY_BYTES, Shard, rows_per_shard, write_shards

ATTEMPTS = 10
"""At merging shards that other processes merge as well."""


def merge_shards(path: Path) -> int:
    """Write each row of the space in the folder `path` once, into full shards; return bytes freed.

    New shards are on the disk before old ones are deleted, so that no moment loses a row. Damaged
    shards are set aside first. Where another process merges the same ones it begins again.

    Raises:
        UserError: The disk is full, or the folder cannot be written; or others merge all the time.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _merged(path)
        except MissingRowsError:
            pass  # what was to be merged is in another process's new shards
    return _merged(path)


def _merged(path: Path) -> int:
    catalog = ShardCatalog(path)
    for shard in list(catalog.shards.values()):
        try:
            shard.verify(shard.blocks)
        except ShardDamageError as damage:
            catalog.set_aside(damage)
        except FileNotFoundError:
            pass  # another process merges or deletes here; refreshed below
    catalog.refresh()
    alike: dict[frozenset[str], list[Shard]] = {}
    for shard in catalog.shards.values():
        alike.setdefault(frozenset(shard.blocks), []).append(shard)
    kept: dict[frozenset[str], NDArray[Any]] = {}
    freed = 0
    for names in sorted(alike, key=lambda names: (-len(names), sorted(names))):
        shards = alike[names]
        keys = _distinct(shards)
        for others in kept:
            if names < others:
                keys = keys[~np.isin(keys, kept[others])]
        kept[names] = keys
        freed += _rewrite(catalog, shards, keys)
    return freed


def _rewrite(catalog: ShardCatalog, shards: list[Shard], keys: NDArray[Any]) -> int:
    names = list(shards[0].blocks)
    rows = sum(len(shard.keys) for shard in shards)
    blocks = shards[0].blocks.values()
    step = rows_per_shard(sum(block.stop - block.start for block in blocks) // len(shards[0].keys))
    if len(keys) == rows and len(shards) <= -(-rows // step):
        return 0
    packed = keys.view(np.uint8).reshape(-1, KEY_BYTES)
    written: list[Path] = []
    for start in range(0, len(packed), step):
        part = packed[start : start + step]
        written += write_shards(catalog.path, part, catalog.gather(part, names))
    for shard in shards:
        if shard.path not in written:
            delete(shard.path)
    catalog.refresh()
    before = sum(shard.size for shard in shards)
    return before - sum(map(size_of, written))


def _distinct(shards: list[Shard]) -> NDArray[Any]:
    """Return the keys of `shards` once each, as voids of 16 bytes, in the order of the rows."""
    keys = np.concatenate([shard.keys for shard in shards]).view(f"V{KEY_BYTES}").ravel()
    _, first = np.unique(keys, return_index=True)
    return keys[np.sort(first)]
