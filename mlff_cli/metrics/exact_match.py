"""Exact match of any number of labels per image."""

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.checks import labelled
from mlff_cli.metrics.metric import Array, Metric


def exact_match(scores: Array, indicators: Array, threshold: float = 0.5) -> float:
    """Return the share of rows all of whose labels are right.

    Args:
        scores: (N, L), finite; at or above the threshold a label is predicted.
        indicators: (N, L), 0 or 1; labels that are missing at the end are 0.
        threshold: On the scale of the scores.
    """
    scores, positive = labelled(scores, indicators)
    if not positive.size:
        return float("nan")
    return float(np.mean(all_right(scores, positive, threshold)))


def all_right(scores: Array, indicators: Array, threshold: float = 0.5) -> NDArray[np.bool_]:
    """Return which rows (N,) have all of their labels right."""
    scores, positive = labelled(scores, indicators)
    hits: NDArray[np.bool_] = ((scores >= threshold) == positive).all(axis=1)
    return hits


METRIC = Metric(
    name="exact_match",
    function=exact_match,
    definition="share of the test images all of whose labels are right",
    unit="share",
    better="up",
    columns={"learning exact match": "learning", "final exact match": "final average"},
    hits=all_right,
)
