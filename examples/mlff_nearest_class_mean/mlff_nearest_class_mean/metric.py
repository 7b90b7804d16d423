"""Balanced accuracy: each class counts alike, however few images it has."""

import numpy as np

from mlff_cli.metrics.metric import Array, Metric


def balanced_accuracy(scores: Array, targets: Array) -> float:
    """Return the mean, over classes, of the share of their rows whose highest score is theirs.

    Args:
        scores: (N, C), finite.
        targets: (N,), integers from 0 to C - 1.
    """
    if not len(targets):
        return float("nan")
    right = scores.argmax(axis=1) == targets
    return float(np.mean([right[targets == name].mean() for name in np.unique(targets)]))


METRIC = Metric(
    name="balanced accuracy",
    function=balanced_accuracy,
    definition="mean over classes of the share of their test images that are recognised",
    unit="share",
    better="up",
    columns={
        "learning balanced accuracy": "learning",
        "final balanced accuracy": "final average",
    },
)
