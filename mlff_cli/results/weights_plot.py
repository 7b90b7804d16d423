"""The picture of a fusion layer's level weights, as a PNG file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlff_cli.results.canvas import COLOURS, GREY, NAME_LENGTH, cut, picture


def level_weights(
    path: Path, levels: Sequence[str], weights: Sequence[float] | NDArray[np.float64], subject: str
) -> None:
    """Draw the weight of each level, the shallowest on top, and where equal weights would be.

    Args:
        path: Of the PNG.
        levels: Names, the shallowest first.
        weights: (L,).
        subject: What was run, for the title: task and method.
    """
    rows, title = np.arange(len(levels)), "weight of each level"
    with picture(path, 6.4, 0.38 * len(levels) + 1.7, title, subject, names=levels) as figure:
        axes = figure.add_subplot()
        bars = axes.barh(rows, weights, height=0.7, color=COLOURS[0])
        axes.axvline(float(np.mean(weights)), color=GREY, linestyle="--", label="equal weights")
        texts = [f"{weight:.3f}" for weight in weights]
        white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.bar_label(bars, texts, padding=5, bbox=white, zorder=4)
        axes.set_yticks(rows, [cut(level, NAME_LENGTH) for level in levels])
        axes.invert_yaxis()
        axes.margins(x=0.12)
        if max(weights) <= 1:
            axes.set_xlim(right=min(axes.get_xlim()[1], 1.0))
        axes.set_xlabel("weight")
        figure.legend(handles=[axes.lines[-1]], loc="outside lower center")
