"""Accuracy of one class per image."""

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.checks import classified
from mlff_cli.metrics.metric import Array, Metric


def accuracy(scores: Array, targets: Array) -> float:
    """Return the share of rows whose highest score is at their target; of equal ones the first.

    With a single class there is nothing to decide: nan.

    Args:
        scores: (N, C), finite.
        targets: (N,), integers from 0 to C - 1.
    """
    scores, targets = classified(scores, targets)
    if not len(targets) or scores.shape[1] < 2:
        return float("nan")
    return float(np.mean(right(scores, targets)))


def right(scores: Array, targets: Array) -> NDArray[np.bool_]:
    """Return which rows (N,) have their highest score at their target."""
    hits: NDArray[np.bool_] = scores.argmax(axis=1) == targets
    return hits


METRIC = Metric(
    name="accuracy",
    function=accuracy,
    definition="share of the test images whose highest output is the right class",
    unit="share",
    better="up",
    columns={
        "learning accuracy": "learning",
        "final accuracy": "final average",
        "final accuracy (all classes)": "together, final",
        "average accuracy (classes so far)": "together, average",
    },
    always=True,
    hits=right,
)
