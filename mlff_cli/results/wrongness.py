"""How wrong the scores of an image are, and which images are the worst."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlff_cli.results.predictions import Predictions


class Worst(NamedTuple):
    """An image by the place of its predictions among several, and its row in them."""

    part: int
    row: int
    wrongness: float


def wrongness(predictions: Predictions) -> NDArray[np.float64]:
    """Return how wrong each image (N,) is.

    Of a class, 1 - the score of the right one; of labels, how far the worst score is from what it
    should be; of numbers, the largest error in their own unit.
    """
    scores, targets = predictions.scores.astype(np.float64), predictions.targets
    if predictions.kind == "class":
        return np.asarray(1 - scores[np.arange(len(scores)), targets])
    return np.asarray(np.abs(scores - targets).max(axis=1, initial=0.0))


def worst(parts: Sequence[Predictions], count: int) -> list[Worst]:
    """Return the worst images of all, the worst one first; of equal ones those that come first."""
    found = [
        Worst(place, row, float(value))
        for place, part in enumerate(parts)
        for row, value in enumerate(wrongness(part))
    ]
    return sorted(found, key=lambda image: -image.wrongness)[:count]


def pointed_at(predictions: Predictions, row: int) -> int:
    """Return the output that a picture of an image explains.

    That is the class predicted, or the label, or number, that is the furthest from right.
    """
    scores = predictions.scores[row].astype(np.float64)
    if predictions.kind == "class":
        return int(scores.argmax())
    return int(np.abs(scores - predictions.targets[row]).argmax())
