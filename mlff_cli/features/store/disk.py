"""Features of images on disk: computed once, read by every run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.errors import UserError, nearest
from mlff_cli.features.store.catalog import MissingRowsError, ShardCatalog
from mlff_cli.features.store.precision import as_kept
from mlff_cli.features.store.row_index import pack_keys
from mlff_cli.features.store.rows import StoredRows
from mlff_cli.features.store.shards import write_shards
from mlff_cli.features.store.spaces import (
    SPACE_FILE,
    FeatureSpace,
    refuse_other_formats,
    row_key,
    stored_levels,
    write_space,
)

__all__ = ["FeatureSpace", "FeatureStore", "MissingRowsError", "row_key"]

_DTYPES = {"float32": torch.float32, "float16": torch.float16}


class FeatureStore:
    """Rows of one feature space. Keeps no file open; several processes may use one at once.

    `dtype` is that of pooled vectors; maps are always float16.

    Raises:
        UserError: The folder holds features of another format version, or cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        space: FeatureSpace,
        *,
        dtype: Literal["float32", "float16"] = "float32",
    ) -> None:
        if dtype not in _DTYPES:
            raise UserError(f"features.dtype: '{dtype}' is unknown; {nearest(dtype, _DTYPES)}")
        refuse_other_formats(folder)
        self.path = folder / space.folder_name(dtype)
        self.dtype = _DTYPES[dtype]
        self._dtype_name = dtype
        self._space = space
        self._stored_levels = stored_levels(self.path)
        self._levels = self._stored_levels
        if space.levels is not None:
            self.levels = space.levels
        self._catalog = ShardCatalog(self.path)

    @property
    def levels(self) -> tuple[LevelInfo, ...] | None:
        """The backbone's levels: stored, or set by who has built it, before the first `insert`."""
        return self._levels

    @levels.setter
    def levels(self, levels: tuple[LevelInfo, ...]) -> None:
        if self._stored_levels not in (None, levels):
            raise UserError(
                f"{self.path}: the stored levels ({_listed(self._stored_levels)}) and the "
                f"backbone's ({_listed(levels)}) differ under one fingerprint; delete the stored "
                f"features with 'mlff features prune'"
            )
        self._levels = levels

    def missing(self, keys: Sequence[str], names: Sequence[str]) -> list[int]:
        """Return the positions in `keys` whose row lacks any of the features `names`.

        All others were compared with their checksums and can be read.
        """
        self._catalog.refresh()
        lacking = np.zeros(len(keys), bool)
        for place in self._catalog.locate(pack_keys(keys), names):
            lacking |= place.shard < 0
        positions: list[int] = np.flatnonzero(lacking).tolist()
        return positions

    def insert(self, keys: Sequence[str], columns: Mapping[str, Tensor]) -> None:
        """Store `columns` name -> (N, ...) for the rows `keys`; on the disk when this returns.

        Each call writes a file, or several: hand over thousands of rows at a time.

        Raises:
            UserError: The disk is full, the folder cannot be written, or a value is beyond the
                range of float16.
            ValueError: A name is not "<level>/<pooling>", or a column has not N rows.
        """
        packed = pack_keys(keys)
        arrays = {name: self._array(name, column, len(keys)) for name, column in columns.items()}
        if not arrays or not len(keys):
            return
        if self._stored_levels != self._levels or not (self.path / SPACE_FILE).exists():
            write_space(self.path, replace(self._space, levels=self._levels), self._dtype_name)
            self._stored_levels = self._levels
        written = write_shards(self.path, packed, arrays)
        self._catalog.refresh(path.name for path in written)

    def forget(self) -> None:
        """Drop nothing: all lies on the disk."""

    def rows(self, keys: Sequence[str], names: Sequence[str]) -> StoredRows:
        """Return the rows of `keys`, which may repeat, in their order; read when they are taken.

        Without any key the trailing shapes are those of stored rows, where there are any.

        Raises:
            MissingRowsError: Rows are not stored, or were damaged or deleted since `missing`.
        """
        return StoredRows(self._catalog, pack_keys(keys), names)

    def _array(self, name: str, column: Tensor, rows: int) -> NDArray[Any]:
        if "/" not in name or column.ndim == 0 or len(column) != rows:
            raise ValueError(
                f"'{name}' {tuple(column.shape)}: expected <level>/<pooling> of {rows} rows"
            )
        array: NDArray[Any] = as_kept(name, column.detach().cpu(), self.dtype).numpy()
        return array


def _listed(levels: Sequence[LevelInfo] | None) -> str:
    return ", ".join(level.name for level in levels or ())
