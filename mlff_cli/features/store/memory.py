"""A store that lasts as long as the process: for runs that keep nothing on disk."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class MemoryStore:
    """Rows of features by key, with the interface of the store on disk."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Tensor] = {}

    def missing(self, keys: Sequence[str], names: Sequence[str]) -> list[int]:
        """Return the positions whose row lacks any of the names."""
        return [
            position
            for position, key in enumerate(keys)
            if any((key, name) not in self._rows for name in names)
        ]

    def insert(self, keys: Sequence[str], columns: Mapping[str, Tensor]) -> None:
        """Keep one (N, ...) tensor per name, rows in the order of the keys."""
        for name, column in columns.items():
            self._rows.update(((key, name), row) for key, row in zip(keys, column, strict=True))

    def read(self, keys: Sequence[str], names: Sequence[str]) -> list[Tensor]:
        """Return one (N, ...) tensor per name, rows in the order of the keys."""
        return [torch.stack([self._rows[key, name] for key in keys]) for name in names]
