"""How well scores rank what they should find: average precision and AUROC of weighted images.

A row of weights is a bootstrap sample of the same images, so that a thousand samples cost one
sorting. Images of equal score count together.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.metric import Array

Floats = NDArray[np.float64]


class Ranked(NamedTuple):
    """Weights summed over the images of each distinct score, (B, K) each, highest score first."""

    positive: Floats
    negative: Floats
    thresholds: Floats


def ranked(scores: Array, positive: Array, weights: Floats) -> Ranked:
    """Return how much of either kind has each score.

    Args:
        scores: (N,), finite, N from 1.
        positive: (N,), booleans.
        weights: (B, N), from 0.
    """
    order = np.argsort(-scores, kind="stable")
    ordered, found = scores[order], positive[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sorted_weights = weights[:, order]
    return Ranked(
        np.add.reduceat(sorted_weights * found, starts, axis=1),
        np.add.reduceat(sorted_weights * ~found, starts, axis=1),
        ordered[starts].astype(np.float64),
    )


def average_precisions(kinds: Ranked) -> Floats:
    """Return sum of (R_k - R_(k-1)) P_k over the distinct scores, (B,); nan without positives."""
    found = np.cumsum(kinds.positive, axis=1)
    seen = found + np.cumsum(kinds.negative, axis=1)
    total = found[:, -1]
    # Where nothing was seen yet, nothing positive is counted either.
    value = np.sum(kinds.positive * found / np.maximum(seen, 1), axis=1)
    return _shares(value, total)


def aurocs(kinds: Ranked) -> Floats:
    """Return the area under the ROC curve (B,); nan where one kind is missing.

    It is the probability that a positive one scores above a negative one, ties counting half
    (Hanley and McNeil 1982).
    """
    below = kinds.negative.sum(axis=1, keepdims=True) - np.cumsum(kinds.negative, axis=1)
    won = np.sum(kinds.positive * (below + kinds.negative / 2), axis=1)
    pairs = kinds.positive.sum(axis=1) * kinds.negative.sum(axis=1)
    return _shares(won, pairs)


def auroc(scores: Array, positive: Array) -> float:
    """Return the area under the ROC curve of scores (N,); nan where one kind is missing."""
    if not len(scores):
        return float("nan")
    return float(aurocs(ranked(scores, positive, np.ones((1, len(scores)))))[0])


def _shares(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, nan where whole is 0."""
    shares: Floats = np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)
    return shares
