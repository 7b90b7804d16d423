"""The features of images as columns: one per input of a fusion layer, read by positions."""

import math
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
    """Columns in memory, side by side where their maps have one size: a batch is few operations.

    Maps lie in it with their channels last, as layers over places read them.
    """

    def __init__(self, groups: Sequence[Tensor], shapes: Sequence[torch.Size]) -> None:
        self.shapes = shapes
        self._groups = groups  # (N, P, C) each, of all its members' channels

    @classmethod
    def filled(cls, columns: Columns) -> "Table":
        """Return a table of all rows of some columns, on the CPU."""
        alike = _alike(columns.shapes)
        channels = [sum(columns.shapes[place][0] for place in own) for own in alike.values()]
        groups = [
            torch.empty(len(columns), sides.numel(), count)
            for sides, count in zip(alike, channels, strict=True)
        ]
        start = 0
        for inputs in everything(columns):
            end = start + len(inputs[0])
            for group, own in zip(groups, alike.values(), strict=True):
                parts = [_by_place(inputs[place]) for place in own]
                group[start:end] = torch.cat(parts, dim=2)
            start = end
        return cls(groups, columns.shapes)

    def to(self, device: torch.device) -> "Table":
        """Return the table on a device."""
        return Table([group.to(device) for group in self._groups], self.shapes)

    def __len__(self) -> int:
        return len(self._groups[0])

    def take(self, positions: Tensor) -> list[Tensor]:
        """Return of each column the rows (B, ...) at positions (B,)."""
        found: dict[int, Tensor] = {}
        for group, (sides, members) in zip(self._groups, _alike(self.shapes).items(), strict=True):
            taken = group.index_select(0, positions.to(group.device))  # (B, P, C)
            taken = taken.view(len(taken), *sides, taken.shape[2]) if sides else taken[:, 0]
            counts = [self.shapes[place][0] for place in members]
            for place, part in zip(members, torch.split(taken, counts, dim=-1), strict=True):
                found[place] = part.movedim(-1, 1) if sides else part
        return [found[place] for place in range(len(self.shapes))]


def _alike(shapes: Sequence[torch.Size]) -> dict[torch.Size, list[int]]:
    """Return which columns have maps of each size; of vectors it is empty."""
    groups: dict[torch.Size, list[int]] = {}
    for place, shape in enumerate(shapes):
        groups.setdefault(shape[1:], []).append(place)
    return groups


def _by_place(column: Tensor) -> Tensor:
    """Return rows (N, C, ...) as (N, P, C); a vector is of one place."""
    return column[:, None] if column.dim() == 2 else column.flatten(2).movedim(1, -1)


def side_by_side(parts: Sequence[Tensor]) -> Tensor:
    """Return parts (..., C_l) joined along their channels.

    Nothing is copied where they are all columns of one size of a `Table`: they lie so already.
    """
    whole = parts[0]._base
    size = (*parts[0].shape[:-1], sum(part.shape[-1] for part in parts))
    # What is traced for a graph holds no matter where things lay when it was.
    if torch.compiler.is_compiling() or whole is None or not whole.is_contiguous():
        return torch.cat(list(parts), dim=-1)
    if whole.numel() == math.prod(size):
        joined = whole.view(size)
        if _are_slices(parts, joined):
            return joined
    return torch.cat(list(parts), dim=-1)


def _are_slices(parts: Sequence[Tensor], joined: Tensor) -> bool:
    """Return whether views of a tensor are its slices along the last dimension, in order."""
    start, strides = joined.storage_offset(), joined.stride()
    for part in parts:
        if part._base is not joined._base or part.storage_offset() != start:
            return False
        if part.stride() != strides or part.shape[:-1] != joined.shape[:-1]:
            return False
        start += part.shape[-1]
    return True


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
