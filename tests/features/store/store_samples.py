"""Rows whose right values follow from their number, for the tests of the store."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from mlff_cli.backbones.levels import LevelInfo, Preprocessing
from mlff_cli.features.store.disk import FeatureSpace, FeatureStore, row_key
from mlff_cli.features.store.rows import StoredRows

LEVELS = (LevelInfo("shallow", 8, 4), LevelInfo("deep", 16, 32))
SPACE = FeatureSpace("ab" * 32, Preprocessing(224, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)), LEVELS, "toy")
NAMES = ("deep/max", "shallow/mean")


def keys_of(numbers: Iterable[int]) -> list[str]:
    return [row_key(f"image {number}", 0) for number in numbers]


def columns_of(
    numbers: Iterable[float], names: Sequence[str] = NAMES, width: int = 8
) -> dict[str, torch.Tensor]:
    rows = torch.tensor(list(numbers), dtype=torch.float32).reshape(-1, 1)
    return {
        name: rows + torch.arange(width) / 8 + 1000 * position
        for position, name in enumerate(sorted(names))
    }


def filled(
    folder: Path, numbers: Sequence[int], names: Sequence[str] = NAMES, width: int = 8,
    **arguments: Any,
) -> FeatureStore:  # fmt: skip
    store = FeatureStore(folder, SPACE, **arguments)
    store.insert(keys_of(numbers), columns_of(numbers, names, width))
    return store


def everything(rows: StoredRows) -> list[torch.Tensor]:
    """Take all of the rows that a store has found."""
    return rows.take(torch.arange(len(rows)))


def shards_of(store: FeatureStore) -> list[Path]:
    return sorted(store.path.glob("*.safetensors"))


def flip(path: Path, position: int, mask: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= mask
    path.write_bytes(content)
