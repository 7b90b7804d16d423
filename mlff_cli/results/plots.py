"""Pictures of results as PNG files: the same bytes for the same numbers on one machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.scores import metric as known_metric
from mlff_cli.results.canvas import COLOURS, GREY, MARKERS, picture
from mlff_cli.results.labels import distinct, shortened
from mlff_cli.results.matrix import ScoreMatrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D

Values = NDArray[np.float64]

_NAME = 26
_LINE_LENGTH = 55
_FEW = 2 * len(COLOURS)
_ANNOTATED = 30


def score_matrix(path: Path, matrix: ScoreMatrix, metric: str, seed: int, subject: str) -> None:
    """Draw the scores after each training (rows) on each experience (columns).

    Experiences never trained on stand behind a gap; cells that were not computed stay blank.

    Args:
        path: Of the PNG.
        matrix: The scores.
        metric: Which of its metrics.
        seed: Which of its seeds.
        subject: What was run, for the title: task and method.
    """
    names = distinct(matrix.experiences, _NAME)
    rows, steps = zip(*matrix.trainings(metric, seed, names), strict=True)
    scores = _shown(matrix, metric, seed)[list(rows)]
    largest = max(scores.shape)
    cell = float(np.interp(largest, [3, 12, 50], [0.85, 0.6, 0.2]))
    font = float(np.interp(largest, [12, 50], [9, 6.5]))
    width, height = cell * scores.shape[1] + 3.4, 0.8 * cell * scores.shape[0] + 2.0
    with picture(path, width, height, f"{metric} after each training", subject) as figure:
        axes = figure.add_subplot()
        colours = "viridis" if is_percent(metric) else "viridis_r"
        low, high = _limits(scores, metric)
        image = axes.imshow(scores, cmap=colours, vmin=low, vmax=high, aspect="auto")
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(steps)), steps)
        axes.tick_params(length=0, labelsize=font)
        axes.set_facecolor("#f0f0f0")
        axes.spines[:].set_visible(False)
        axes.set_xlabel("scored on")
        axes.set_ylabel("after training", labelpad=8)
        if matrix.learned < len(names):
            axes.axvline(matrix.learned - 0.5, color="white", linewidth=4)
        if largest <= _ANNOTATED:
            _annotate(axes, image, scores, metric, font)
        figure.colorbar(image, ax=axes, label=unit(metric), pad=0.02)


def curves(path: Path, matrix: ScoreMatrix, metric: str, seed: int, subject: str) -> None:
    """Draw each experience's score from its own training on, and the average of those learned.

    Args:
        path: Of the PNG.
        matrix: The scores.
        metric: Which of its metrics.
        seed: Which of its seeds.
        subject: What was run, for the title: task and method.
    """
    learned, names = matrix.learned, distinct(matrix.experiences, _NAME)
    trainings = [step for step in matrix.trainings(metric, seed, names) if step[0] > 0]
    rows = np.array([row for row, _ in trainings])
    scores = _shown(matrix, metric, seed)
    few = len(names) <= _FEW
    with picture(path, 8.2, 4.4, f"{metric} on each experience", subject) as figure:
        axes = figure.add_subplot()
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        handles = []
        for index, name in enumerate(names):
            unseen = index >= learned
            known = rows[rows > (0 if unseen else index)]
            style = _line_style(index, len(names), few)
            (line,) = axes.plot(known, scores[known, index], **style, label=name)
            if unseen:
                line.set(linestyle=":", color=GREY, label=f"{name} (unseen)")
            handles.append(line)
        if not few:
            _order_bar(axes, names[:learned])
            handles = handles[learned:]
        if learned > 1:
            average = [scores[row, :row].mean() for row in rows]
            handles += axes.plot(
                rows, average, color="black", linewidth=2.6, marker=".", label="average so far"
            )
        _legend(axes, handles, beside=few)
        _step_ticks(axes, trainings)
        axes.set_ylabel(unit(metric))


def level_weights(
    path: Path, levels: Sequence[str], weights: Sequence[float] | Values, subject: str
) -> None:
    """Draw the weight of each level, the shallowest on top, and where equal weights would be.

    Args:
        path: Of the PNG.
        levels: Names, the shallowest first.
        weights: (L,).
        subject: What was run, for the title: task and method.
    """
    rows = np.arange(len(levels))
    with picture(path, 6.4, 0.38 * len(levels) + 1.5, "weight of each level", subject) as figure:
        axes = figure.add_subplot()
        bars = axes.barh(rows, weights, height=0.7, color=COLOURS[0])
        axes.axvline(float(np.mean(weights)), color=GREY, linestyle="--", label="equal weights")
        texts = [f"{weight:.3f}" for weight in weights]
        white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.bar_label(bars, texts, padding=5, bbox=white, zorder=4)
        axes.set_yticks(rows, [shortened(level, _NAME) for level in levels])
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_xlabel("weight")
        _legend(axes, [axes.lines[-1]], beside=True)


def is_percent(metric: str) -> bool:
    """Return whether a metric is a share, shown in percent; an error is in its own unit."""
    return known_metric(metric).higher_is_better


def unit(metric: str) -> str:
    """Return what an axis of the metric says."""
    return f"{metric} (%)" if is_percent(metric) else metric


def _shown(matrix: ScoreMatrix, metric: str, seed: int) -> Values:
    return matrix.full_array(metric, seed) * (100 if is_percent(metric) else 1)


def _limits(scores: Values, metric: str) -> tuple[float, float]:
    """Return where the colours begin and end: whole tens for percentages, from 0 for errors."""
    known = scores[np.isfinite(scores)]
    if not known.size:
        return 0.0, 100.0 if is_percent(metric) else 1.0
    if not is_percent(metric):
        return 0.0, float(known.max()) or 1.0
    low = min(10 * np.floor(known.min() / 10), 90)
    return float(low), float(max(10 * np.ceil(known.max() / 10), low + 10))


def _annotate(axes: "Axes", image: "AxesImage", scores: Values, metric: str, font: float) -> None:
    wide = max(scores.shape) <= 14
    red, green, blue, _ = np.moveaxis(image.to_rgba(scores), 2, 0)
    colours = np.where(0.299 * red + 0.587 * green + 0.114 * blue < 0.5, "white", "black")
    for (row, column), value in np.ndenumerate(scores):
        if np.isnan(value):
            continue
        text = f"{value:.{1 if wide else 0}f}" if is_percent(metric) else f"{value:.3g}"
        colour = str(colours[row, column])
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=font)


def _line_style(index: int, count: int, few: bool) -> dict[str, Any]:
    if few:
        return {
            "color": COLOURS[index % len(COLOURS)],
            "linestyle": "-" if index < len(COLOURS) else "--",
            "marker": MARKERS[index % len(MARKERS)],
            "markersize": 5,
        }
    return {
        "color": _order_colour(index / (count - 1)),
        "marker": ".",
        "markersize": 3,
        "linewidth": 1,
    }


def _order_colour(position: float) -> Any:
    from matplotlib import colormaps

    # The palest colours of the map would not show on white.
    return colormaps["viridis"](0.92 * position)


def _order_bar(axes: "Axes", names: Sequence[str]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    colours = ListedColormap([_order_colour(p) for p in np.linspace(0, 1, 256)])
    ticks = np.unique(np.linspace(1, len(names), 10).round().astype(int))
    scale = ScalarMappable(Normalize(1, len(names)), colours)
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(scale, ax=axes, pad=0.02, label="experience")
    bar.set_ticks(list(ticks), labels=[f"{tick}  {names[tick - 1]}" for tick in ticks])
    bar.ax.tick_params(labelsize=8, length=0)


def _legend(axes: "Axes", handles: Sequence["Line2D"], *, beside: bool) -> None:
    place: dict[str, Any] = {"loc": "best"}
    if beside:
        place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    if handles:
        axes.legend(handles, [str(handle.get_label()) for handle in handles], **place)


def _step_ticks(axes: "Axes", trainings: Sequence[tuple[int, str]]) -> None:
    from matplotlib.ticker import MaxNLocator

    rows, names = zip(*trainings, strict=True)
    axes.set_xlim(rows[0] - 0.4, rows[-1] + 0.4)
    axes.set_xlabel("after training")
    if len(names) > _FEW:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return
    axes.set_xticks(rows, names)
    if max(map(len, names)) * len(names) > _LINE_LENGTH:
        for label in axes.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
