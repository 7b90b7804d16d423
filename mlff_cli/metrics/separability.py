"""How well features tell targets apart before anything is trained: functions of arrays.

Everything is taken from matrices of inner products, so that levels join by adding theirs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ITERATIONS = 50
"""Fixed-point steps of LogME at most; it settles in a few."""


class Neighbours(NamedTuple):
    """What the nearest neighbour of each image says of it.

    Attributes:
        right: (N, K), for each target how right it is: 1 or 0, of numbers 1 less the error as a
            share of the floor's; nan where the target says nothing of the image.
        floor: What the share of right ones is by chance.
    """

    right: Array
    floor: float

    @property
    def score(self) -> float:
        """The mean over targets of the share of right ones: every class weighs alike."""
        return float(np.nanmean(self.right, axis=0).mean())

    @property
    def error(self) -> float:
        """The standard error of the score."""
        counts = np.isfinite(self.right).sum(axis=0)
        variances = np.nanvar(self.right, axis=0) / np.maximum(1, counts)
        return float(np.sqrt(variances.sum()) / len(counts))


def inner_products(features: Array) -> Array:
    """Return the inner products (N, N) of features (N, C), every channel standardised.

    The mean over channels, so that levels of any width weigh alike when theirs are added. A channel
    that does not vary tells nothing.
    """
    centred = features - features.mean(axis=0)
    deviation = centred.std(axis=0)
    varies = deviation > 1e-6 * np.maximum(1e-12, np.abs(features).max(initial=0))
    if not varies.any():
        return np.zeros((len(features), len(features)))
    scaled = centred[:, varies] / deviation[varies]
    products: Array = scaled @ scaled.T / scaled.shape[1]
    return products


def neighbours(
    products: Array, targets: Array, units: NDArray[np.int64], *, numbers: bool = False
) -> Neighbours:
    """Return what the nearest image of another unit says of each image.

    Leaves one unit out, and not one image: photographs of one piece would find each other.

    Args:
        products: (N, N), inner products of features.
        targets: (N, K), 1 and 0 for labels, or numbers.
        units: (N,), what each image belongs to.
        numbers: Whether targets are numbers.
    """
    squares = np.diag(products)
    distances = squares[:, None] + squares[None] - 2 * products
    distances[units[:, None] == units[None]] = np.inf
    nearest = distances.argmin(axis=1)
    alone = ~np.isfinite(distances[np.arange(len(nearest)), nearest])  # every image is of its unit
    if numbers:
        errors = np.abs(targets[nearest] - targets)
        floor = np.abs(targets - np.median(targets, axis=0)).mean(axis=0)
        right = 1 - errors / np.where(floor > 0, floor, 1)
        return Neighbours(np.where(alone[:, None], np.nan, right), 0.0)
    present = (targets > 0).any(axis=0)
    right = np.where(targets > 0, targets[nearest] > 0, np.nan)  # of a class its own images count
    right[alone] = np.where(targets[alone] > 0, 0.0, np.nan)
    # Whoever names a label at random, as often as it is there, is right in that share.
    return Neighbours(right[:, present], float((targets[:, present] > 0).mean()))


def logme(products: Array, targets: Array) -> float:
    """Return LogME: the log evidence per image of a linear model, mean over targets.

    You, Liu, Wang, Long 2021, arXiv 2102.11005: targets y = F w + noise, w drawn with variance
    1 / alpha and the noise with 1 / beta, both set to where the evidence is largest by a fixed
    point. Features and targets are centred, which takes the place of a bias and leaves N - 1 of
    them free.

    Args:
        products: (N, N), inner products of features.
        targets: (N, K); a column that does not vary tells nothing.
    """
    values, vectors = np.linalg.eigh(products)
    kept = values > 1e-10 * max(values[-1], 1e-12)
    spectrum, axes = values[kept], vectors[:, kept]  # (R,), squared singular values of F
    varying = targets[:, targets.std(axis=0) > 0]
    if not len(spectrum) or not varying.size:
        return float("nan")
    centred = varying - varying.mean(axis=0)
    free = len(products) - 1
    evidences = [
        _evidence(spectrum, axes.T @ column, float(column @ column), free) for column in centred.T
    ]
    return float(np.mean(evidences)) / free


def _evidence(spectrum: Array, along: Array, square: float, count: int) -> float:
    """Return the largest log evidence of one target y (N,).

    Args:
        spectrum: (R,), squared singular values of the features.
        along: (R,), y along the left singular vectors.
        square: The inner product of y with itself.
        count: How many numbers of y are free.
    """
    alpha, beta = 1.0, count / square
    beyond = max(0.0, square - float(along @ along))  # what no feature explains
    for _ in range(ITERATIONS):
        kept = alpha / (alpha + beta * spectrum)
        explained = float((1 - kept).sum())
        weights = float(np.square((1 - kept) * along) @ (1 / spectrum))
        residual = max(float(np.square(kept * along).sum()) + beyond, 1e-9 * square)
        before = alpha / beta
        alpha = explained / max(weights, 1e-12)
        beta = max(count - explained, 1e-3) / residual
        if abs(alpha / beta - before) <= 1e-3 * before:
            break
    kept = alpha / (alpha + beta * spectrum)
    weights = float(np.square((1 - kept) * along) @ (1 / spectrum))
    residual = float(np.square(kept * along).sum()) + beyond
    spread = float(np.log(alpha + beta * spectrum).sum())
    fit = count * np.log(beta / (2 * np.pi)) + len(spectrum) * np.log(alpha) - spread
    return 0.5 * float(fit - beta * residual - alpha * weights)
