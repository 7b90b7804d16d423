"""How well the levels of a backbone tell an experience's classes apart, before any training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlff_cli.features.features import Features
from mlff_cli.features.pooling import LevelInput
from mlff_cli.metrics.separability import Array, Neighbours, inner_products, logme, neighbours
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.modalities import is_whole
from mlff_cli.tasks.record import Record

POOLINGS = ("max", "min", "range")
"""How levels are read: means over the whole image hide small defects. All are stored anyway."""

SAMPLE = 600
"""Training images that are looked at, at most: enough, and done within a second."""


@dataclass(frozen=True)
class Separability:
    """The training images of an experience, as the levels of a backbone see them.

    Attributes:
        products: For each level, the shallowest first, the inner products (N, N) of features.
        targets: (N, K), 1 and 0 for labels, else numbers.
        units: (N,), which images are of one piece.
        numbers: Whether targets are numbers.
    """

    products: Mapping[str, Array]
    targets: Array
    units: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    numbers: bool

    @classmethod
    def of(cls, features: Features, experience: Experience, limit: int = SAMPLE) -> "Separability":
        """Take it from the stored features of training images; no others are looked at."""
        whole = [r for r in experience.train if is_whole(r.image, features.modalities)]
        records = sample(whole, limit)
        images = [record.image for record in records]
        levels = [level.name for level in features.levels]
        read = features.read(images, inputs_of(features))[:]
        columns = [column.double().numpy() for column in read]
        blocks = {
            level: np.concatenate(columns[place * len(POOLINGS) :][: len(POOLINGS)], axis=1)
            for place, level in enumerate(levels)
        }
        places = {unit: place for place, unit in enumerate({r.unit: None for r in records})}
        return cls(
            {level: inner_products(block) for level, block in blocks.items()},
            targets_of(records, experience),
            np.array([places[record.unit] for record in records], np.int64),
            experience.regression,
        )

    def neighbours(self, levels: Iterable[str]) -> Neighbours:
        """Return what nearest neighbours say by some levels together."""
        return neighbours(self._joined(levels), self.targets, self.units, numbers=self.numbers)

    def logme(self, levels: Iterable[str]) -> float:
        """Return LogME of some levels together."""
        return logme(self._joined(levels), self.targets)

    def _joined(self, levels: Iterable[str]) -> Array:
        chosen = [self.products[level] for level in levels]
        joined: Array = np.sum(chosen, axis=0) / len(chosen)
        return joined


def inputs_of(features: Features) -> list[LevelInput]:
    """Return what is read of every level."""
    levels = features.levels
    return [LevelInput(level.name, pooling) for level in levels for pooling in POOLINGS]


def sample(records: Sequence[Record], limit: int) -> list[Record]:
    """Return `limit` records at most: all of rare classes, as many of each of the others."""
    by_labels: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        by_labels.setdefault(record.labels, []).append(record)
    left, share = limit, 0
    for place, size in enumerate(sorted(map(len, by_labels.values()))):
        share = left // (len(by_labels) - place)
        if size > share:
            break
        left -= size
    return [r for own in by_labels.values() for r in _spread(own, max(1, share))]


def _spread(records: Sequence[Record], count: int) -> list[Record]:
    """Return so many records at even distances; all where there are no more."""
    if len(records) <= count:
        return list(records)
    return [records[place * len(records) // count] for place in range(count)]


def targets_of(records: Sequence[Record], experience: Experience) -> Array:
    """Return the targets (N, K) of records: numbers, or 1 for each label that one has."""
    if experience.regression:
        return np.array([record.targets for record in records], np.float64)
    rows = [[float(name in r.labels) for name in experience.outputs] for r in records]
    return np.array(rows, np.float64)
