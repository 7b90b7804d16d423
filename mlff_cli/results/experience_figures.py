"""How good the final scores of one experience are: as a whole, class by class, good or defective.

Each figure stands beside its floor, what the same answer for every image reaches (the most
frequent labels in training, the medians of numbers), and beside its 95 % interval: exact for
shares (Clopper and Pearson), by bootstrap over groups for all others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.intervals import (
    NONE,
    Interval,
    Weights,
    clopper_pearson,
    percentiles,
    resampled,
)
from mlff_cli.metrics.metric import Metric
from mlff_cli.metrics.ranking import aurocs, average_precisions, ranked
from mlff_cli.results.predictions import Predictions, defect_scores, defective

ANY_DEFECT = "any defect"
"""Stands where a class does: all images that are not good."""

DEFINITIONS = {
    "average precision": "of the class against the rest, not interpolated",
    "AUROC": "probability that an image of the class scores above one of the rest, ties half",
    "recall": "share of the images of the class that are given it",
    "precision": "share of the images given the class that are of it",
    "true positives": "images of the class that are given it",
    "false positives": "images of the rest that are given it",
    "false negatives": "images of the class that are not given it",
    "true negatives": "images of the rest that are not given it",
}


@dataclass(frozen=True)
class Figure:
    """A number, how sure it is and what it has to be better than; nan where there is none.

    Attributes:
        of: The class; "" of the experience as a whole.
        name: What is measured.
        value: As measured.
        interval: Where the true value lies with 95 % certainty.
        floor: What the same answer for every image reaches.
        n: Images behind it.
        definition: In words.
        metric: Whose value it is; None of a class.
    """

    of: str
    name: str
    value: float
    interval: Interval
    floor: float
    n: int
    definition: str
    metric: Metric | None = None

    @property
    def is_count(self) -> bool:
        """Whether it is a number of images."""
        return self.name.endswith(("positives", "negatives"))


def figures_of(
    predictions: Predictions, metrics: Sequence[Metric], answer: Sequence[str], good: str | None
) -> list[Figure]:
    """Return every figure of an experience: of the whole, of each class, of any defect.

    Args:
        predictions: At least one image.
        metrics: What the head is measured by.
        answer: The labels, or numbers as texts, that the floor gives for every image.
        good: The class of good parts; None where there is none.
    """
    weights = resampled(predictions.groups)
    blind = _blind(predictions, answer)
    figures = [_whole(predictions, metric, blind, weights) for metric in metrics]
    if predictions.kind == "numbers":
        return figures
    for place, output in enumerate(predictions.outputs):
        positive = predictions.bearing(output)
        figures += _ranking(output, predictions.scores[:, place], positive, weights)
        called = np.array([output in names for names in predictions.predicted], bool)
        figures += _decided(output, called, positive, output in answer)
    if good is not None:
        scores, bad = defect_scores(predictions, good), defective(predictions, good)
        figures += _ranking(ANY_DEFECT, scores, bad, weights)
    return figures


def _blind(predictions: Predictions, answer: Sequence[str]) -> Predictions:
    """Return the same images with the same answer for all."""
    if predictions.kind == "numbers":
        row = [float(text) for text in answer]
    else:
        row = [float(output in answer) for output in predictions.outputs]
    return replace(predictions, scores=np.tile(np.array(row, np.float32), (len(predictions), 1)))


def _whole(
    predictions: Predictions, metric: Metric, blind: Predictions, weights: Weights
) -> Figure:
    scores, targets = predictions.scores, predictions.targets
    value = metric.function(scores, targets)
    return Figure(
        "",
        metric.name,
        value,
        NONE if np.isnan(value) else metric.interval(scores, targets, weights),
        metric.function(blind.scores, targets),
        len(predictions),
        metric.definition,
        metric,
    )


def _ranking(
    of: str, scores: NDArray[np.floating], positive: NDArray[np.bool_], weights: Weights
) -> Iterator[Figure]:
    """Yield how well scores (N,) rank the positive ones above the others, if there are both."""
    count = int(positive.sum())
    both = 0 < count < len(positive)
    measured = (
        ranked(scores, positive, np.ones((1, len(positive)))),
        ranked(scores, positive, weights),
    )
    for name, statistic, floor in (
        ("average precision", average_precisions, count / len(positive)),
        ("AUROC", aurocs, 0.5),
    ):
        value, interval, known = float("nan"), NONE, float("nan")
        if both:
            (value,), samples = map(statistic, measured)
            interval, known = percentiles(samples), floor
        yield Figure(of, name, float(value), interval, known, count, DEFINITIONS[name])


def _decided(
    of: str, called: NDArray[np.bool_], positive: NDArray[np.bool_], answered: bool
) -> Iterator[Figure]:
    """Yield what is decided of a class, called so (N,) and being so (N,), and the counts."""
    right = int((called & positive).sum())
    given, there = int(called.sum()), int(positive.sum())
    shares = (
        ("recall", there, float(answered)),
        ("precision", given, there / len(positive) if answered else float("nan")),
    )
    for name, total, floor in shares:
        value = right / total if total else float("nan")
        interval = clopper_pearson(right, total)
        known = floor if total else float("nan")
        yield Figure(of, name, value, interval, known, total, DEFINITIONS[name])
    counts = {
        "true positives": right,
        "false positives": given - right,
        "false negatives": there - right,
        "true negatives": len(positive) - given - there + right,
    }
    for name, count in counts.items():
        nan = float("nan")
        yield Figure(of, name, float(count), NONE, nan, len(positive), DEFINITIONS[name])
