"""The picture of scores in the course of learning, as a PNG file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlff_cli.metrics.figures import Scores
from mlff_cli.metrics.registry import by_name
from mlff_cli.results.canvas import (
    COLOURS,
    GREY,
    MARKERS,
    axis_label,
    legend,
    named,
    picture,
    within_share,
)
from mlff_cli.results.matrix import ScoreMatrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINE_LENGTH = 55
_FEW = 2 * len(COLOURS)


def curves(path: Path, matrix: ScoreMatrix, metric: str, subject: str) -> None:
    """Draw each experience's score from its own training on, and the average of those learned.

    An experience that has no value is left out of the average.

    Args:
        path: Of the PNG.
        matrix: The scores.
        metric: Which of its metrics.
        subject: What was run, for the title: task and method.
    """
    learned, names = matrix.learned, named(matrix.experiences)
    trainings = [step for step in matrix.trainings(metric, names) if step[0] > 0]
    rows = np.array([row for row, _ in trainings])
    measured = by_name(metric)
    scores = matrix.masked_array(metric) * (100 if measured.in_percent else 1)
    few = len(names) <= _FEW
    title = f"{metric} on each experience"
    with picture(path, 8.2, 4.4, title, subject, names=matrix.experiences) as figure:
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
            average = [_mean(scores[row, :row]) for row in rows]
            handles += axes.plot(
                rows, average, color="black", linewidth=2.6, marker=".", label="average so far"
            )
        legend(axes, handles, beside=few)
        _step_ticks(axes, trainings)
        axes.set_ylabel(axis_label(metric, measured))
        if measured.in_percent:
            axes.set_ylim(within_share(*axes.get_ylim()))
            for line in axes.lines:
                line.set_clip_on(False)  # whole markers at 0 and at 100 %


def _mean(scores: Scores) -> float:
    """Return the mean over the experiences that have a value."""
    known = scores.compressed()
    return float(known.mean()) if known.size else float("nan")


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
