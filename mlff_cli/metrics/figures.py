"""Figures of continual learning: pure functions of the score matrix.

`scores` is (T + 1, T): row i holds the scores on every experience after training experience i,
row 0 those of the untrained model; a score that was not computed is nan, and so is every figure
that needs it. More is taken to be better; `figures` negates errors first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.scores import metric

Scores = NDArray[np.float64]


def learning(scores: Scores) -> float:
    """Return the mean over j of a[j,j]."""
    return _mean(np.diagonal(scores, offset=-1))


def final_average(scores: Scores) -> float:
    """Return the mean over j of a[T,j]."""
    return _mean(scores[-1])


def average_incremental(scores: Scores) -> float:
    """Return the mean over i of the mean over j <= i of a[i,j]."""
    steps = range(1, len(scores))
    return _mean(np.array([_mean(scores[step, :step]) for step in steps]))


def forgetting(scores: Scores) -> float:
    """Return the mean over j < T of (max over j <= l < T of a[l,j]) - a[T,j]; nan when T = 1.

    The last row takes no part in the maximum, so the figure may be negative (Chaudhry 2018).
    """
    last = len(scores) - 1
    best = [scores[j + 1 : last, j].max() for j in range(last - 1)]
    return _mean(np.array(best) - scores[-1, : last - 1])


def backward_transfer(scores: Scores) -> float:
    """Return the mean over j < T of a[T,j] - a[j,j]; nan when T = 1 (Lopez-Paz 2017)."""
    return _mean(scores[-1, :-1] - np.diagonal(scores, offset=-1)[:-1])


def forward_transfer(scores: Scores) -> float:
    """Return the mean over j > 1 of a[j-1,j] - a[0,j]; nan when T = 1 (Lopez-Paz 2017)."""
    return _mean(np.diagonal(scores)[1:] - scores[0, 1:])


def delta(forgetting_baseline: float, forgetting_method: float) -> float:
    """Return how much less the method forgets than the baseline (delta mAP of the paper)."""
    return forgetting_baseline - forgetting_method


@dataclass(frozen=True)
class Figure:
    """A figure of the score matrix and the words that stand beside it.

    Attributes:
        function: Takes the scores on learned experiences, or on unseen ones.
        definition: In terms of a[i,j].
        unit: "score" is the metric's own; "difference" is that of two scores.
        unseen: Whether it reads the scores on unseen experiences.
    """

    function: Callable[[Scores], float]
    definition: str
    unit: Literal["score", "difference"] = "score"
    unseen: bool = False


NOTATION = (
    "a[i,j] is the score on experience j after training experience i, "
    "T is the number of experiences learned, a[0,j] the score of the untrained model"
)

FIGURES = {
    "learning": Figure(learning, "mean over j of a[j,j]"),
    "final average": Figure(final_average, "mean over j of a[T,j]"),
    "average incremental": Figure(
        average_incremental, "mean over i of the mean over j <= i of a[i,j]"
    ),
    "forgetting": Figure(
        forgetting,
        "mean over j < T of (max over j <= l < T of a[l,j]) - a[T,j]; positive: got worse",
        "difference",
    ),
    "backward transfer": Figure(
        backward_transfer, "mean over j < T of a[T,j] - a[j,j]; negative: got worse", "difference"
    ),
    "forward transfer": Figure(
        forward_transfer,
        "mean over j > 1 of a[j-1,j] - a[0,j]; positive: helped by what was learned before",
        "difference",
    ),
    "unseen": Figure(
        final_average, "mean over the experiences never trained on of a[T,j]", unseen=True
    ),
}


def figures(name: str, scores: Scores, unseen: Scores) -> dict[str, float]:
    """Return every figure of one metric; nan where it cannot be computed.

    Errors are negated before differences are taken, so positive forgetting always means that the
    model got worse, and so does negative backward transfer.

    Args:
        name: The metric's.
        scores: (T + 1, T), on the experiences learned.
        unseen: (T + 1, U), on those never trained on.

    Raises:
        UserError: The metric is unknown.
    """
    sign = 1 if metric(name).higher_is_better else -1
    values = {}
    for title, figure in FIGURES.items():
        value = figure.function(sign * (unseen if figure.unseen else scores))
        values[title] = value if figure.unit == "difference" else sign * value
    return values


def definition(title: str, name: str) -> str:
    """Return the definition of a figure as it applies to a metric: an error is negated first."""
    figure = FIGURES[title]
    if figure.unit == "difference" and not metric(name).higher_is_better:
        return f"{figure.definition}; a is minus the error"
    return figure.definition


def _mean(values: Scores) -> float:
    return float(values.mean()) if values.size else float("nan")
