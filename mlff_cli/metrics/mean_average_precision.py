"""Mean average precision (mAP): how well scores rank the images of each class."""

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.checks import classified, labelled
from mlff_cli.metrics.intervals import Weights
from mlff_cli.metrics.metric import Array, Metric
from mlff_cli.metrics.ranking import average_precisions, ranked


def mean_average_precision(scores: Array, targets: Array) -> float:
    """Return the macro mean of average precision over the classes or labels that can be ranked.

    A class that no row has, or every row, is left out: its average precision is undefined, or 1
    whatever the scores. Where none is left, the value is nan. With two classes both columns count.

    Args:
        scores: (N, C), finite.
        targets: Class indices (N,) from 0 to C - 1, or indicators (N, C), 0 or 1; labels that are
            missing at the end are 0.
    """
    scores, positive, rankable = _rankable(scores, targets)
    if not len(rankable):
        return float("nan")
    return float(np.mean([average_precision(scores[:, c], positive[:, c]) for c in rankable]))


def resampled_map(scores: Array, targets: Array, weights: Weights) -> NDArray[np.float64]:
    """Return the mAP (B,) of images weighed by (B, N); a class that a sample lacks is left out."""
    scores, positive, rankable = _rankable(scores, targets)
    if not len(rankable):
        return np.full(len(weights), np.nan)
    values = [average_precisions(ranked(scores[:, c], positive[:, c], weights)) for c in rankable]
    known = np.ma.masked_invalid(values)
    means: NDArray[np.float64] = known.mean(axis=0).filled(np.nan)
    return means


def _rankable(scores: Array, targets: Array) -> tuple[Array, Array, Array]:
    """Return scores and indicators, (N, C) each, and the classes that some rows have, not all."""
    targets = np.asarray(targets)
    if targets.ndim == 1:
        scores, targets = classified(scores, targets)
        targets = targets[:, np.newaxis] == np.arange(scores.shape[1])  # (N, C)
    scores, positive = labelled(scores, targets)
    return scores, positive, np.flatnonzero(positive.any(axis=0) & ~positive.all(axis=0))


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


METRIC = Metric(
    name="mAP",
    function=mean_average_precision,
    definition=(
        "mean over the classes of one-vs-rest average precision, not interpolated; "
        "classes absent from the test images are left out"
    ),
    unit="share",
    better="up",
    columns={
        "learning mAP": "learning",
        "final mAP": "final average",
        "forgetting (mAP)": "forgetting",
        "BWT (mAP)": "backward transfer",
        "unseen mAP": "unseen",
        "final mAP (all classes)": "together, final",
        "average mAP (classes so far)": "together, average",
    },
    always=True,
    resampled=resampled_map,
)
