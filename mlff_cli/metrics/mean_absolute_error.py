"""Mean absolute error of numbers per image."""

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.checks import finite
from mlff_cli.metrics.intervals import Weights
from mlff_cli.metrics.metric import Array, Metric


def mean_absolute_error(outputs: Array, targets: Array) -> float:
    """Return the mean over all targets of `absolute_errors`."""
    return float(absolute_errors(outputs, targets).mean())


def absolute_errors(outputs: Array, targets: Array) -> NDArray[np.float64]:
    """Return the mean absolute error of each target (T,); nan without rows.

    Args:
        outputs: (N, T), finite, in the targets' units.
        targets: (N, T), finite.
    """
    outputs, targets = finite(outputs, "outputs"), finite(targets, "targets")
    if outputs.shape != targets.shape:
        raise ValueError(f"outputs are {outputs.shape} and targets {targets.shape}")
    if not outputs.size:
        return np.full(outputs.shape[1], np.nan)
    errors: NDArray[np.float64] = np.abs(outputs.astype(np.float64) - targets).mean(axis=0)
    return errors


def resampled_error(outputs: Array, targets: Array, weights: Weights) -> NDArray[np.float64]:
    """Return the mean absolute error (B,) over all targets of images weighed by (B, N)."""
    errors = np.abs(outputs.astype(np.float64) - targets).mean(axis=1)  # (N,)
    means: NDArray[np.float64] = weights @ errors / weights.sum(axis=1)
    return means


METRIC = Metric(
    name="mae",
    function=mean_absolute_error,
    definition="mean absolute error over the test images",
    unit="target",
    better="down",
    columns={
        "learning mae": "learning",
        "final mae": "final average",
        "forgetting (mae)": "forgetting",
    },
    each=absolute_errors,
    resampled=resampled_error,
)
