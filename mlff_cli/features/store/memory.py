"""A store that lasts as long as the process: for runs that keep nothing on disk."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mlff_cli.features.store.precision import as_kept


class MemoryRows:
    """Rows of some features, stacked as they are asked for.

    Attributes:
        shapes: Of one row of each feature.
    """

    def __init__(self, columns: Sequence[Sequence[Tensor]], count: int) -> None:
        self._columns = columns
        self._count = count
        self.shapes = [column[0].shape if count else torch.Size() for column in columns]

    def __len__(self) -> int:
        return self._count

    def take(self, positions: Tensor) -> list[Tensor]:
        """Return of each feature the rows (n, ...) at positions (n,)."""
        places = positions.tolist()
        if not places:
            return [torch.empty(0, *shape) for shape in self.shapes]
        return [torch.stack([column[place] for place in places]) for column in self._columns]


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
        """Keep one (N, ...) tensor per name, rows in the order of the keys.

        Raises:
            UserError: A value of a map is beyond the range of float16.
        """
        for name, column in columns.items():
            # Rounded as on disk, so that a run gives the same without a store.
            kept = as_kept(name, column, column.dtype)
            self._rows.update(((key, name), row) for key, row in zip(keys, kept, strict=True))

    def forget(self) -> None:
        """Drop every row."""
        self._rows.clear()

    def rows(self, keys: Sequence[str], names: Sequence[str]) -> MemoryRows:
        """Return the rows of `keys`, which may repeat, in their order."""
        columns = [[self._rows[key, name] for key in keys] for name in names]
        return MemoryRows(columns, len(keys))
