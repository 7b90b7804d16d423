"""Rows of the store, found once and read as they are asked for."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlff_cli.features.store.catalog import MissingRowsError, ShardCatalog


class StoredRows:
    """Rows of some features; `take` copies those asked for out of the memory-mapped files.

    Attributes:
        shapes: Of one row of each feature.

    Raises:
        MissingRowsError: Rows are not stored, or were damaged or deleted.
    """

    def __init__(
        self,
        catalog: ShardCatalog,
        keys: NDArray[np.uint8],  # (N, 16)
        names: Sequence[str],
    ) -> None:
        self._catalog = catalog
        self._keys = keys
        self._names = tuple(names)
        try:
            self._places = catalog.located(keys, names)
        except MissingRowsError:
            self._locate_again()
        shapes = {name: place.shape(name) for place in self._places for name in place.names}
        self.shapes = [torch.Size(shapes[name]) for name in self._names]

    def __len__(self) -> int:
        return len(self._keys)

    def take(self, positions: Tensor) -> list[Tensor]:
        """Return of each feature the rows (n, ...) at positions (n,), in the type they are kept in.

        Raises:
            MissingRowsError: They were damaged or deleted since they were found.
        """
        chosen = positions.numpy()
        try:
            rows = self._catalog.take(self._places, chosen)
        except MissingRowsError:
            self._locate_again()
            rows = self._catalog.take(self._places, chosen)
        return [torch.from_numpy(rows[name]) for name in self._names]

    def _locate_again(self) -> None:
        # Another process may have stored them since, or merged their shards into new ones.
        self._catalog.refresh()
        self._places = self._catalog.located(self._keys, self._names)
