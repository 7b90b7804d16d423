"""Scores of predictions: arrays in, numbers out, and nan where nothing can be computed.

Every score is taken over all rows at once and never averaged over batches.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import UserError, nearest

Array = NDArray[Any]


@dataclass(frozen=True)
class Metric:
    """What a metric measures; those of which more is better are fractions from 0 to 1."""

    definition: str
    higher_is_better: bool = True


METRICS = {
    "accuracy": Metric("share of the test images whose highest output is the right class"),
    "mAP": Metric(
        "mean over the classes of one-vs-rest average precision, not interpolated; "
        "classes absent from the test images are left out"
    ),
    "exact_match": Metric("share of the test images all of whose labels are right"),
    "mae": Metric("mean absolute error over the test images", higher_is_better=False),
}
"""The error of a single target is called "mae " and the target's name."""


class MeanAveragePrecision(NamedTuple):
    """The mean, and the number of classes it is taken over."""

    value: float
    classes: int


def metric(name: str) -> Metric:
    """Return what is known of a metric, by its name in the score matrix.

    Raises:
        UserError: There is none of that name.
    """
    known = "mae" if name.startswith("mae ") else name
    if known not in METRICS:
        raise UserError(f"metric '{name}' is unknown; {nearest(name, METRICS)}")
    return METRICS[known]


def accuracy(scores: Array, targets: Array) -> float:
    """Return the share of rows whose highest score is at their target; of equal ones the first.

    Args:
        scores: (N, C), finite.
        targets: (N,), integers from 0 to C - 1.
    """
    scores, targets = _classification(scores, targets)
    return float(np.mean(scores.argmax(axis=1) == targets)) if len(targets) else float("nan")


def mean_average_precision(scores: Array, targets: Array) -> MeanAveragePrecision:
    """Return the macro mean of one-vs-rest average precision over the classes present.

    With two classes both columns count. Fewer than two classes present give nan: there is no
    rest to rank against.

    Args:
        scores: (N, C), finite.
        targets: (N,), integers from 0 to C - 1.
    """
    scores, targets = _classification(scores, targets)
    return mean_average_precision_multilabel(
        scores, targets[:, np.newaxis] == np.arange(scores.shape[1])
    )


def mean_average_precision_multilabel(scores: Array, indicators: Array) -> MeanAveragePrecision:
    """Return the macro mean of average precision over the labels that can be ranked.

    A label that no row has, or every row, is left out: its average precision is undefined, or 1
    whatever the scores. Where none is left, the value is nan.

    Args:
        scores: (N, L), finite.
        indicators: (N, L), 0 or 1.
    """
    scores, positive = _multilabel(scores, indicators)
    ranked = np.flatnonzero(positive.any(axis=0) & ~positive.all(axis=0))
    if not len(ranked):
        return MeanAveragePrecision(float("nan"), 0)
    values = [average_precision(scores[:, label], positive[:, label]) for label in ranked]
    return MeanAveragePrecision(float(np.mean(values)), len(values))


def average_precision(scores: Array, positive: Array) -> float:
    """Return the sum of (R_k - R_(k-1)) P_k over the distinct scores: rows of equal score together.

    This is scikit-learn's `average_precision_score`, bit by bit, without its 1.4 s of import.

    Args:
        scores: (N,), finite.
        positive: (N,), booleans, at least one of them true.
    """
    order = np.argsort(scores)[::-1]
    ordered = scores[order]
    # The last row of each score, lowest score first: the order of scikit-learn's sum.
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))[::-1]
    found = np.cumsum(positive[order], dtype=np.float64)[last]
    recall = np.append(found / found[0], 0.0)
    precision = found / (last + 1)
    return max(0.0, -float(np.sum(np.diff(recall) * precision)))


def exact_match(scores: Array, indicators: Array, threshold: float = 0.5) -> float:
    """Return the share of rows all of whose labels are right.

    Args:
        scores: (N, L), finite; at or above the threshold a label is predicted.
        indicators: (N, L), 0 or 1.
        threshold: On the scale of the scores.
    """
    scores, positive = _multilabel(scores, indicators)
    if not positive.size:
        return float("nan")
    return float(np.mean(((scores >= threshold) == positive).all(axis=1)))


def mean_absolute_error(outputs: Array, targets: Array) -> tuple[NDArray[np.float64], float]:
    """Return the mean absolute error of each target (T,), and their mean; nan without rows.

    Args:
        outputs: (N, T), finite, in the targets' units.
        targets: (N, T), finite.
    """
    outputs, targets = _finite(outputs, "outputs"), _finite(targets, "targets")
    if outputs.shape != targets.shape:
        raise ValueError(f"outputs are {outputs.shape} and targets {targets.shape}")
    if not outputs.size:
        return np.full(outputs.shape[1], np.nan), float("nan")
    errors = np.abs(outputs.astype(np.float64) - targets).mean(axis=0)
    return errors, float(errors.mean())


def _finite(values: Array, name: str) -> Array:
    values = np.asarray(values)
    if values.ndim != 2:
        raise ValueError(f"{name} must be a table of two dimensions, not {values.shape}")
    if not np.isfinite(values).all():
        rows = np.flatnonzero(~np.isfinite(values).all(axis=1))
        raise ValueError(f"{name} must be finite; {len(rows)} rows are not, the first is {rows[0]}")
    return values


def _classification(scores: Array, targets: Array) -> tuple[Array, Array]:
    scores, targets = _finite(scores, "scores"), np.asarray(targets)
    if targets.shape != scores.shape[:1]:
        raise ValueError(f"scores are {scores.shape} and targets {targets.shape}")
    if targets.size and not 0 <= targets.min() <= targets.max() < scores.shape[1]:
        raise ValueError(f"targets must lie between 0 and {scores.shape[1] - 1}")
    return scores, targets


def _multilabel(scores: Array, indicators: Array) -> tuple[Array, NDArray[np.bool_]]:
    scores, indicators = _finite(scores, "scores"), np.asarray(indicators)
    if indicators.shape != scores.shape:
        raise ValueError(f"scores are {scores.shape} and indicators {indicators.shape}")
    if not np.isin(indicators, (0, 1)).all():
        raise ValueError("indicators must be 0 or 1")
    return scores, indicators.astype(bool)
