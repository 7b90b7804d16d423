"""Figures of continual learning: pure functions of the score matrix.

`scores` is (T + 1, T): row i holds the scores on every experience after training experience i,
row 0 those of the untrained model. A cell may lack its number in two ways:

- nan: the experience was not scored at that moment (joint training has its last row alone). Every
  figure that needs the cell is nan.
- masked: it was scored and has no value (a test set of a single class cannot be ranked). A figure
  is taken over the other experiences and says which ones it leaves out.

Where classes arrive one after another, the images of all experiences learned so far are scored
together as well: (T + 1, 1), a[i,*] in definitions.

More is taken to be better; `figures` negates errors first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from mlff_cli.metrics.metric import Metric

Scores: TypeAlias = "np.ma.MaskedArray[Any, np.dtype[np.float64]]"


class Figured(NamedTuple):
    """A figure, nan where it cannot be computed, and the experiences left out, from 0."""

    value: float
    left_out: tuple[int, ...] = ()


def learning(scores: Scores) -> Figured:
    """Return the mean over j of a[j,j]."""
    return _mean(_own(scores))


def final_average(scores: Scores) -> Figured:
    """Return the mean over j of a[T,j]."""
    return _mean(scores[-1])


def average_incremental(scores: Scores) -> Figured:
    """Return the mean over i of the mean over j <= i of a[i,j]."""
    seen = _so_far(scores)
    counts = seen.count(axis=1)
    # Not `seen.mean`, which masks what is nan.
    averages = seen.sum(axis=1).data / np.maximum(counts, 1)  # (T,)
    value, _ = _mean(np.ma.array(averages, mask=counts == 0))
    without_value = np.tril(np.ma.getmaskarray(scores)[1:]).any(axis=0)
    return Figured(value, () if np.isnan(averages).any() else _places(without_value))


def forgetting(scores: Scores) -> Figured:
    """Return the mean over j < T of (max over j <= l < T of a[l,j]) - a[T,j]; nan when T = 1.

    The last row takes no part in the maximum, so the figure may be negative (Chaudhry 2018).
    """
    if len(scores) == 2:
        return Figured(float("nan"))
    best = _so_far(scores)[:-1, :-1].max(axis=0)  # (T - 1,)
    return _mean(best - scores[-1, :-1])


def backward_transfer(scores: Scores) -> Figured:
    """Return the mean over j < T of a[T,j] - a[j,j]; nan when T = 1 (Lopez-Paz 2017)."""
    return _mean(scores[-1, :-1] - _own(scores)[:-1])


def forward_transfer(scores: Scores) -> Figured:
    """Return the mean over j > 1 of a[j-1,j] - a[0,j]; nan when T = 1 (Lopez-Paz 2017)."""
    before = np.ma.diagonal(scores)  # a[j-1,j]
    value, left_out = _mean(before[1:] - scores[0, 1:])
    return Figured(value, tuple(place + 1 for place in left_out))


def average_over_steps(together: Scores) -> Figured:
    """Return the mean over i of a[i,*] (Rebuffi 2017, average incremental accuracy)."""
    value, _ = _mean(together[1:, 0])
    return Figured(value)


@dataclass(frozen=True)
class Figure:
    """A figure of the score matrix and the words that stand beside it.

    Attributes:
        function: Takes the scores that it is of.
        definition: In terms of a[i,j].
        unit: "score" is the metric's own; "difference" is that of two scores.
        of: Scores on each experience learned, on each never trained on, or on all learned so
            far together.
    """

    function: Callable[[Scores], Figured]
    definition: str
    unit: Literal["score", "difference"] = "score"
    of: Literal["learned", "unseen", "together"] = "learned"


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
        final_average, "mean over the experiences never trained on of a[T,j]", of="unseen"
    ),
    "together, final": Figure(
        final_average,
        "a[T,*]: all classes learned, over the images of all experiences together",
        of="together",
    ),
    "together, average": Figure(
        average_over_steps,
        "mean over i of a[i,*]: all classes learned so far, over the images of all experiences "
        "so far together",
        of="together",
    ),
}


def figures(metric: Metric, scores: Scores, unseen: Scores, together: Scores) -> dict[str, Figured]:
    """Return every figure of one metric by its name in `FIGURES`.

    Errors are negated before differences are taken, so positive forgetting always means that the
    model got worse, and so does negative backward transfer.

    Args:
        metric: What was measured.
        scores: (T + 1, T), on the experiences learned.
        unseen: (T + 1, U), on those never trained on.
        together: (T + 1, 1), on all learned so far together.
    """
    of = {"learned": scores, "unseen": unseen, "together": together}
    values = {}
    for name, figure in FIGURES.items():
        value, left_out = figure.function(metric.sign * of[figure.of])
        sign = 1 if figure.unit == "difference" else metric.sign
        values[name] = Figured(sign * value, left_out)
    return values


def definition(name: str, metric: Metric) -> str:
    """Return the definition of a figure as it applies to a metric: an error is negated first."""
    figure = FIGURES[name]
    if figure.unit == "difference" and metric.better == "down":
        return f"{figure.definition}; a is minus the error"
    return figure.definition


def _own(scores: Scores) -> Scores:
    """Return a[j,j] (T,): each experience right after its own training."""
    return np.ma.array(np.ma.diagonal(scores, offset=-1))


def _so_far(scores: Scores) -> Scores:
    """Return a[i,j] (T, T) with all masked that was not yet learned, j > i."""
    later = np.triu(np.ones(scores[1:].shape, bool), k=1)
    return np.ma.array(scores[1:], mask=later)  # joins the mask that is there


def _mean(terms: Scores) -> Figured:
    """Return the mean of the terms that have a value, one for each experience from the first."""
    known = terms.compressed()
    if np.isnan(known).any():
        return Figured(float("nan"))
    mean = float(known.mean()) if known.size else float("nan")
    return Figured(mean, _places(np.ma.getmaskarray(terms)))


def _places(mask: Any) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask).tolist())
