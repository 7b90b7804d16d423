"""Arrays that metrics take: shapes and values that do not fit are refused."""

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.metric import Array


def finite(values: Array, name: str) -> Array:
    """Return a table (N, O) of finite numbers.

    Raises:
        ValueError: It has not two dimensions, or holds nan or infinity.
    """
    values = np.asarray(values)
    if values.ndim != 2:
        raise ValueError(f"{name} must be a table of two dimensions, not {values.shape}")
    if not np.isfinite(values).all():
        rows = np.flatnonzero(~np.isfinite(values).all(axis=1))
        raise ValueError(f"{name} must be finite; {len(rows)} rows are not, the first is {rows[0]}")
    return values


def classified(scores: Array, targets: Array) -> tuple[Array, Array]:
    """Return scores (N, C) and class indices (N,) from 0 to C - 1.

    Raises:
        ValueError: They do not fit each other.
    """
    scores, targets = finite(scores, "scores"), np.asarray(targets)
    if targets.shape != scores.shape[:1]:
        raise ValueError(f"scores are {scores.shape} and targets {targets.shape}")
    if targets.size and not 0 <= targets.min() <= targets.max() < scores.shape[1]:
        raise ValueError(f"targets must lie between 0 and {scores.shape[1] - 1}")
    return scores, targets


def labelled(scores: Array, indicators: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return scores (N, L) and indicators (N, L) of as many labels.

    A head that grew gives labels that came later as well: these rows bear none of them.

    Raises:
        ValueError: They do not fit each other, or an indicator is neither 0 nor 1.
    """
    scores, indicators = finite(scores, "scores"), np.asarray(indicators)
    later = scores.shape[1] - indicators.shape[-1] if indicators.ndim == 2 else -1
    if later < 0 or len(indicators) != len(scores):
        raise ValueError(f"scores are {scores.shape} and indicators {indicators.shape}")
    if not np.isin(indicators, (0, 1)).all():
        raise ValueError("indicators must be 0 or 1")
    return scores, np.pad(indicators.astype(bool), ((0, 0), (0, later)))
