"""Looks through the stored features of a task's images for copies between its splits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mlff_cli.audit.near_duplicates import (
    Array,
    Duplicate,
    Positions,
    Read,
    exact_duplicates,
    near_duplicates,
)
from mlff_cli.features.columns import ROWS_AT_ONCE, Columns
from mlff_cli.features.features import Features
from mlff_cli.features.pooling import LevelInput
from mlff_cli.tasks.record import Record

if TYPE_CHECKING:
    from mlff_cli.tasks.experience import Experience, SplitName

DEEPEST_LEVELS = 2
"""Levels that are compared: those before them see light and texture more than the object."""

POOLINGS = ("mean", "max", "deviation")
"""What of them is compared: what the limits of `data.leakage` were measured with."""


@dataclass(frozen=True)
class Leaks:
    """What was found; positions are those in `records`.

    Attributes:
        records: The training images, then the scored ones.
        scored: Number of scored images.
        near: Scored images with a near-duplicate in training.
        exact: Scored and training images of the same content.
    """

    records: list[Record]
    scored: int
    near: list[Duplicate]
    exact: list[tuple[int, int]]

    @property
    def copied(self) -> int:
        """The number of scored images with a copy in training, near or exact."""
        return len({pair.scored for pair in self.near} | {scored for scored, _ in self.exact})


def find_leaks(
    features: Features, experiences: "Sequence[Experience]", scored: "SplitName"
) -> Leaks:
    """Compare every scored image with every training image of its product, in any experience.

    What is common to a product would hide what tells its images apart, so each has its own scales.
    """
    # Of several experiences an image counts once; names recur from run to run.
    trained = {(r.name, r.image): r for e in experiences if e.learned for r in e.train}
    held_out = {(r.name, r.image): r for e in experiences for r in e.split(scored)}
    records = [*trained.values(), *held_out.values()]
    train, score = range(len(trained)), range(len(trained), len(records))
    images = [record.image for record in records]
    columns = features.read(images, leak_inputs(features))

    by_product: dict[str, tuple[list[int], list[int]]] = {}
    for position, record in enumerate(records):
        parts = by_product.setdefault(record.product, ([], []))
        parts[position >= len(trained)].append(position)
    near = [
        pair
        for own_train, own_score in by_product.values()
        for pair in near_duplicates(
            _reader(columns, [*own_train, *own_score], gaps=len(features.modalities) > 1),
            own_train,
            own_score,
        )
    ]
    return Leaks(
        records,
        len(held_out),
        sorted(near, key=lambda pair: -pair.similarity),
        exact_duplicates(features.identities(images), train, score),
    )


def _reader(columns: Columns, positions: Sequence[int], *, gaps: bool) -> Read:
    """Return what reads features by position.

    With `gaps`, where an image of a part is missing, the mean over `positions` stands for it: two
    parts that lack the same are not alike for that.
    """
    means = _means(columns, torch.tensor(positions)) if gaps else []

    def read(wanted: Positions) -> Sequence[Array]:
        found = columns[torch.from_numpy(wanted)]
        if gaps:
            pairs = zip(found, means, strict=True)
            found = [torch.where(column.isnan(), mean, column) for column, mean in pairs]
        return [column.numpy() for column in found]

    return read


def _means(columns: Columns, positions: Tensor) -> list[Tensor]:
    """Return the mean (C,) of each column over the rows at positions that are there."""
    totals: list[Tensor] = [torch.zeros(shape, dtype=torch.float64) for shape in columns.shapes]
    counts = [torch.zeros(shape) for shape in columns.shapes]
    for part in torch.split(positions, ROWS_AT_ONCE):
        for number, column in enumerate(columns[part]):
            totals[number] += column.double().nansum(dim=0)
            counts[number] += (~column.isnan()).sum(dim=0)
    return [
        (total / count.clamp(min=1)).float() for total, count in zip(totals, counts, strict=True)
    ]


def leak_inputs(features: Features) -> list[LevelInput]:
    """Return what is compared; levels pooled in these ways are stored for every image anyway."""
    # Levels of all modalities stand depth by depth.
    levels = features.levels[-DEEPEST_LEVELS * len(features.modalities) :]
    return [LevelInput(level.name, pooling) for level in levels for pooling in POOLINGS]
