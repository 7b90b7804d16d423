"""Images that are scored and, nearly, trained on as well: found by the features of a backbone.

Two cosine similarities must both be high. The first is that of the standardised features: each
channel with mean 0 and deviation 1 over all images, each block of channels (a level pooled
in one way) weighing alike. It tells images that look alike. The second is that of their principal
components, all but the faintest brought to deviation 1. It tells images that share what sets them
apart from the others, and not merely the look of their class.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.8
"""Least similarity of the standardised features of near-duplicates."""

APART = 0.7
"""Least similarity of their principal components."""

COMPONENTS = 256
"""Principal components at most; of few images a third of their number."""

FAINT = 1e-3
"""Share of the largest variance that is added to each: components below it count less."""

SAMPLE = 4096
"""Images that the components are taken from, at even distances."""

READ_AT_ONCE, COMPARED_AT_ONCE = 4096, 512

Array = NDArray[np.float32]
Positions = NDArray[np.int64]
Read = Callable[[Positions], Sequence[Array]]
"""Gives the features of the images at some positions: one block (N, C) per input."""


class Duplicate(NamedTuple):
    """A scored image, the training image nearest to it, and the similarity of their features."""

    scored: int
    trained: int
    similarity: float


def near_duplicates(
    read: Read, trained: Sequence[int], scored: Sequence[int], limit: float = ALIKE
) -> list[Duplicate]:
    """Return the scored images that have a near-duplicate in training, the most similar first.

    Memory grows with the number of images times `COMPONENTS`; features are read twice, in parts.

    Args:
        read: Gives features by position.
        trained: Positions of the training images.
        scored: Positions of the scored images.
        limit: Least similarity of the standardised features.
    """
    train, score = np.array(trained, np.int64), np.array(scored, np.int64)
    if not len(train) or not len(score):
        return []
    space = _Space(read, np.concatenate([train, score]))
    nearest, apart = _nearest(space.components(score), space.components(train))
    likely = np.flatnonzero(apart > APART)
    found = []
    for part in _parts(likely):
        pairs = score[part], train[nearest[part]]
        left, right = (_unit(space.standardised(positions)) for positions in pairs)
        found += list(zip(*pairs, np.sum(left * right, axis=1), strict=True))
    return sorted(
        (Duplicate(int(s), int(t), float(v)) for s, t, v in found if v > limit),
        key=lambda pair: (-pair.similarity, pair.scored),
    )


def exact_duplicates(
    identities: Sequence[str], trained: Sequence[int], scored: Sequence[int]
) -> list[tuple[int, int]]:
    """Return (scored, trained) positions of images with the same content."""
    first: dict[str, int] = {}
    for position in trained:
        first.setdefault(identities[position], position)
    return [
        (position, first[identities[position]])
        for position in scored
        if identities[position] in first
    ]


class _Space:
    """The scales of the features of all images, and the directions in which they differ."""

    def __init__(self, read: Read, positions: Positions) -> None:
        self._read = read
        total = squares = np.zeros(())
        for part in _parts(positions):
            rows = self._rows(part).astype(np.float64)
            total, squares = total + rows.sum(axis=0), squares + np.square(rows).sum(axis=0)
        mean = total / len(positions)
        deviation = np.sqrt(np.maximum(squares / len(positions) - mean**2, 0))
        # What differs by rounding alone tells nothing.
        tells = deviation > 1e-5 * np.abs(mean).max()
        widths = [block.shape[1] for block in read(positions[:1])]
        weights = np.repeat(1 / np.sqrt(widths), widths)
        self._mean = mean.astype(np.float32)
        self._scale = np.where(tells, weights / np.where(tells, deviation, 1), 0).astype(np.float32)
        step = max(1, -(-len(positions) // SAMPLE))
        self._directions = _principal(self.standardised(positions[::step]))

    def standardised(self, positions: Positions) -> Array:
        """Return the features (N, C), each channel of mean 0, each block of the same weight."""
        rows: Array = (self._rows(positions) - self._mean) * self._scale
        return rows

    def components(self, positions: Positions) -> Array:
        """Return the principal components (N, K), each row brought to length 1."""
        parts = [self.standardised(part) @ self._directions for part in _parts(positions)]
        return _unit(np.concatenate(parts))

    def _rows(self, positions: Positions) -> Array:
        return np.concatenate(self._read(positions), axis=1)


def _principal(rows: Array) -> Array:
    """Return directions (C, K) onto which rows (N, C) fall with deviation 1, or near it.

    By a randomised range finder with one power iteration (Halko, Martinsson, Tropp 2011): exact
    enough, and quick for many thousands of channels.
    """
    import torch

    from mlff_cli.system.device import limited_threads

    count = max(1, min(COMPONENTS, len(rows) // 3, rows.shape[1]))
    wide = min(count + 16, *rows.shape)
    # Nobody else's random numbers move. Several threads are slower: the matrices are narrow.
    with torch.random.fork_rng(devices=[]), limited_threads(1):
        torch.default_generator.manual_seed(0)
        _, sizes, directions = torch.svd_lowrank(torch.from_numpy(rows), q=wide, niter=1)
    squares = sizes.double().square()
    kept = (squares > 1e-8 * squares[0].clamp(min=1e-12)).nonzero().flatten()[:count]
    scales = (len(rows) / (squares[kept] + FAINT * squares[0])).sqrt()
    principal: Array = (directions[:, kept] * scales.float()).numpy()
    return principal


def _nearest(rows: Array, among: Array) -> tuple[Positions, Array]:
    """Return for each row the place of the most similar one in `among`, and the similarity."""
    places, values = [], []
    for start in range(0, len(rows), COMPARED_AT_ONCE):
        similarity = rows[start : start + COMPARED_AT_ONCE] @ among.T
        place = similarity.argmax(axis=1)
        places.append(place)
        values.append(similarity[np.arange(len(place)), place])
    return np.concatenate(places), np.concatenate(values)


def _unit(rows: Array) -> Array:
    unit: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return unit


def _parts(positions: Positions) -> Iterator[Positions]:
    for start in range(0, len(positions), READ_AT_ONCE):
        yield positions[start : start + READ_AT_ONCE]
