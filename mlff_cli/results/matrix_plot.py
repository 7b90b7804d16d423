"""The picture of a score matrix, as a PNG file."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.metric import Metric
from mlff_cli.metrics.registry import by_name
from mlff_cli.results.canvas import axis_label, named, picture
from mlff_cli.results.matrix import ScoreMatrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Values = NDArray[np.float64]

_ANNOTATED = 30
"""Up to that many rows or columns the values stand in the cells."""

_WIDEST = 14.0
"""Inches that all columns take at most: hundreds of them become narrower."""

_NAME_INCHES = 0.15
"""What a name beside an axis takes, in the smallest letters."""


def score_matrix(path: Path, matrix: ScoreMatrix, metric: str, subject: str) -> None:
    """Draw the scores after each training (rows) on each experience (columns).

    Experiences never trained on stand behind a gap; cells without a value stay blank.

    Args:
        path: Of the PNG.
        matrix: The scores.
        metric: Which of its metrics.
        subject: What was run, for the title: task and method.
    """
    names = named(matrix.experiences)
    rows, steps = zip(*matrix.trainings(metric, names), strict=True)
    measured = by_name(metric)
    scores = matrix.full_array(metric)[list(rows)] * (100 if measured.in_percent else 1)
    largest = max(scores.shape)
    cell = min(float(np.interp(largest, [3, 12, 50], [0.85, 0.6, 0.2])), _WIDEST / largest)
    font = float(np.interp(largest, [12, 50], [9, 6.5]))
    width, height = cell * scores.shape[1] + 3.4, 0.8 * cell * scores.shape[0] + 2.0
    title = f"{metric} after each training"
    with picture(path, width, height, title, subject, names=matrix.experiences) as figure:
        axes = figure.add_subplot()
        colours = "viridis" if measured.better == "up" else "viridis_r"
        trained = scores[np.array(rows) > 0]
        low, high = _limits(trained if np.isfinite(trained).any() else scores, measured)
        image = axes.imshow(scores, cmap=colours, vmin=low, vmax=high, aspect="auto")
        below, beside = _step(cell), _step(0.8 * cell)
        columns = range(0, len(names), below)
        axes.set_xticks(columns, names[::below], rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(0, len(steps), beside), steps[::beside])
        axes.tick_params(length=0, labelsize=font)
        axes.set_facecolor("#f0f0f0")
        axes.spines[:].set_visible(False)
        axes.set_xlabel("scored on")
        axes.set_ylabel("after training", labelpad=8)
        if matrix.learned < len(names):
            axes.axvline(matrix.learned - 0.5, color="white", linewidth=4)
        if largest <= _ANNOTATED:
            _annotate(axes, image, scores, measured, font)
        label, extend = axis_label(metric, measured), _extended(scores, low, high)
        figure.colorbar(image, ax=axes, label=label, pad=0.02, extend=extend)


def _step(inches: float) -> int:
    """Return which cells have a name beside them, where so many inches are from one to the next."""
    return math.ceil(_NAME_INCHES / inches)


def _limits(scores: Values, metric: Metric) -> tuple[float, float]:
    """Return where the colours begin and end: whole tens for percentages, from 0 for errors."""
    known = scores[np.isfinite(scores)]
    if not known.size:
        return 0.0, 100.0 if metric.in_percent else 1.0
    if not metric.in_percent:
        return min(0.0, float(known.min())), float(known.max()) or 1.0
    low = min(10 * np.floor(known.min() / 10), 90)
    return float(low), float(max(10 * np.ceil(known.max() / 10), low + 10))


def _extended(scores: Values, low: float, high: float) -> Literal["neither", "both", "min", "max"]:
    """Return at which ends scores lie beyond the colours: those before any training may."""
    below, above = bool((scores < low).any()), bool((scores > high).any())
    if below and above:
        return "both"
    return "min" if below else "max" if above else "neither"


def _annotate(
    axes: "Axes", image: "AxesImage", scores: Values, metric: Metric, font: float
) -> None:
    wide = max(scores.shape) <= 14
    red, green, blue, _ = np.moveaxis(image.to_rgba(scores), 2, 0)
    colours = np.where(0.299 * red + 0.587 * green + 0.114 * blue < 0.5, "white", "black")
    for (row, column), value in np.ndenumerate(scores):
        if np.isnan(value):
            continue
        text = f"{value:.{1 if wide else 0}f}" if metric.in_percent else f"{value:.3g}"
        colour = str(colours[row, column])
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=font)
