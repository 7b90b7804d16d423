"""The score matrix and confusions as coloured tables."""

import numpy as np

from mlff_cli.metrics.metric import Metric
from mlff_cli.metrics.registry import by_name
from mlff_cli.results.cells import Kind, rounded
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.page import svg
from mlff_cli.results.page.markup import text, wide
from mlff_cli.results.predictions import Predictions

RIGHT, WRONG, UNTRAINED = 205, 20, "#f3f4f6"
"""Hues of cells, and the colour of those of the untrained model."""


def score_matrix(matrix: ScoreMatrix, name: str) -> str:
    """Return the scores of a metric as a coloured table, and as curves where they are shares.

    The untrained model takes no part in the scale of colours.
    """
    metric = by_name(name)
    values, rows = matrix.full_array(name), matrix.trainings(name)
    trained = values[[row for row, _ in rows if row]]
    known = trained[np.isfinite(trained)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    lines = []
    for row, step in rows:
        depths = _depths(values[row], low, high, metric)
        colours = [_shade(RIGHT, depth) if row else UNTRAINED for depth in depths]
        cells = "".join(map(_cell, _shown(values[row], metric), colours))
        lines.append(f"<tr><th>{text(f'after {step}' if row else step)}</th>{cells}</tr>")
    unit = " (%)" if metric.in_percent else ""
    table = _table(f"{name}{unit}, columns: scored on", matrix.experiences, lines)
    if not metric.in_percent or len(rows) < 2 or len(matrix.experiences) > len(svg.COLOURS):
        return table
    steps = [step for _, step in rows]
    drawn = svg.curves(steps, values[[row for row, _ in rows]], matrix.experiences)
    return table + drawn + svg.legend(matrix.experiences)


def confusion(predictions: Predictions) -> str:
    """Return how often each class was taken for which; nothing where images have no one class."""
    if predictions.kind != "class":
        return ""
    count = len(predictions.outputs)
    counts = np.zeros((count, count), int)
    np.add.at(counts, (predictions.targets, predictions.scores.argmax(axis=1)), 1)
    present = np.flatnonzero(counts.any(axis=0) | counts.any(axis=1))
    names = [predictions.outputs[place] for place in present]
    lines = []
    for row, name in zip(present, names, strict=True):
        total = max(1, int(counts[row].sum()))
        cells = "".join(
            _cell(
                str(counts[row, column]),
                _shade(RIGHT if row == column else WRONG, counts[row, column] / total),
                "right" if row == column else "",
            )
            for column in present
        )
        lines.append(f"<tr><th>{text(name)}</th>{cells}</tr>")
    return _table("rows: what it is, columns: what it was taken for", names, lines)


def _table(caption: str, titles: "list[str] | tuple[str, ...]", lines: list[str]) -> str:
    head = "".join(f"<th>{text(title)}</th>" for title in titles)
    return wide(
        f'<table class="matrix"><caption>{text(caption)}</caption><thead><tr><th></th>{head}</tr>'
        f"</thead><tbody>{''.join(lines)}</tbody></table>"
    )


def _cell(shown: str, colour: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<td{named} style="background: {colour}">{shown}</td>' if shown else "<td></td>"


def _shade(hue: int, depth: float) -> str:
    """Return a colour from nearly white at 0 to a clear one at 1, on which black can be read."""
    return f"hsl({hue} 70% {97 - 35 * depth:.0f}%)"


def _depths(values: np.ndarray, low: float, high: float, metric: Metric) -> list[float]:
    """Return how good values (E,) are between the worst and the best, from 0 to 1."""
    shares = (values - low) / (high - low) if high > low else np.ones_like(values)
    better = shares if metric.better == "up" else 1 - shares
    depths: list[float] = np.clip(better, 0, 1).tolist()
    return depths


def _shown(values: np.ndarray, metric: Metric) -> list[str]:
    kind: Kind = "fraction" if metric.in_percent else "number"
    return ["" if np.isnan(value) else rounded(float(value), kind) for value in values]
