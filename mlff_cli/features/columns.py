"""The features of images as columns: one per input of a fusion layer, read by positions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

ROWS_AT_ONCE, BYTES_AT_ONCE = 4096, 64 << 20
"""What a pass over columns reads at a time at most."""


class Rows(Protocol):
    """Where columns lie: on disk, in memory, or on a device."""

    @property
    def shapes(self) -> Sequence[torch.Size]:
        """The shape of one row of each column."""
        ...

    def __len__(self) -> int: ...

    def take(self, positions: Tensor) -> list[Tensor]:
        """Return of each column the rows (B, ...) at positions (B,) on the CPU, int64."""
        ...


class Columns:
    """One row per image and input; nothing is read before it is asked for.

    Attributes:
        shapes: Of one row of each input.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.shapes = list(rows.shapes)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, positions: Tensor | slice) -> list[Tensor]:
        """Return one tensor (B, ...) per input, float32: the rows at positions (B,)."""
        if isinstance(positions, slice):
            positions = torch.arange(len(self))[positions]
        return [column.float() for column in self._rows.take(positions)]

    @property
    def row_bytes(self) -> int:
        """What one image takes in memory."""
        return 4 * sum(shape.numel() for shape in self.shapes)

    @property
    def nbytes(self) -> int:
        """What all images take in memory."""
        return len(self) * self.row_bytes

    def batches(self, size: int) -> "Batches":
        """Return the rows in order, `size` at a time; can be gone through again and again."""
        return Batches((self,), size)

    def resident(self, device: torch.device, limit: int) -> "Columns":
        """Return the columns as one table on the device, or themselves above `limit` bytes."""
        if self.nbytes > limit:
            return self
        return Columns(Table.filled(self).to(device))


@dataclass(frozen=True)
class Batches:
    """The rows of some columns, one after another; can be gone through again and again."""

    columns: Sequence[Columns]
    size: int

    def __iter__(self) -> Iterator[list[Tensor]]:
        for columns in self.columns:
            for start in range(0, len(columns), self.size):
                yield columns[start : start + self.size]


def everything(*columns: Columns) -> Batches:
    """Return all rows in batches whose size is bounded by rows and by bytes."""
    largest = max(part.row_bytes for part in columns)
    return Batches(columns, max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE // max(1, largest))))


class Table:
    """Columns side by side in one tensor (N, W): to take a batch is one operation.

    Maps lie in it with their channels last, as layers over places read them.
    """

    def __init__(self, rows: Tensor, shapes: Sequence[torch.Size]) -> None:
        self.shapes = shapes
        self._rows = rows
        self._widths = [shape.numel() for shape in shapes]

    @classmethod
    def filled(cls, columns: Columns) -> "Table":
        """Return a table of all rows of some columns, on the CPU."""
        table = cls(torch.empty(len(columns), columns.row_bytes // 4), columns.shapes)
        start = 0
        for inputs in everything(columns):
            rows = torch.cat([_channels_last(column).flatten(1) for column in inputs], dim=1)
            table._rows[start : start + len(rows)] = rows
            start += len(rows)
        return table

    def to(self, device: torch.device) -> "Table":
        """Return the table on a device."""
        return Table(self._rows.to(device), self.shapes)

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, positions: Tensor) -> list[Tensor]:
        """Return of each column the rows (B, ...) at positions (B,)."""
        parts = torch.split(self._rows[positions], self._widths, dim=1)
        return [
            part if len(shape) == 1 else part.view(-1, *shape[1:], shape[0]).movedim(-1, 1)
            for part, shape in zip(parts, self.shapes, strict=True)
        ]


def _channels_last(column: Tensor) -> Tensor:
    """Return rows (N, C, ...) as (N, ..., C)."""
    return column.movedim(1, -1)


class Whole:
    """Columns (N, ...) that are in memory anyway."""

    def __init__(self, columns: Sequence[Tensor]) -> None:
        self._columns = columns
        self.shapes = [column.shape[1:] for column in columns]

    def __len__(self) -> int:
        return len(self._columns[0])

    def take(self, positions: Tensor) -> list[Tensor]:
        """Return of each column the rows (B, ...) at positions (B,)."""
        return [column[positions] for column in self._columns]
