"""Small plots as SVG: a histogram of scores, curves over trainings, what a threshold trades off."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 34
"""Margins around what is drawn."""

INNER, DEEP = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
BINS = 40
GOOD, BAD, QUIET, GRID = "#0072b2", "#d55e00", "#5c6670", "#e4e8ec"
COLOURS = (GOOD, BAD, "#009e73", "#cc79a7", "#56b4e9", "#e69f00")


def histogram(
    scores: NDArray[np.float64], defective: NDArray[np.bool_], threshold: float | None
) -> str:
    """Return how many good and defective images have which score, and where the threshold lies.

    Good ones stand above the axis and defective ones below it, so that few are seen beside many.

    Args:
        scores: (N,), from 0 to 1.
        defective: (N,).
        threshold: None where there is none.
    """
    edges = np.linspace(0, 1, BINS + 1)
    counts = [np.histogram(scores[kind], edges)[0] for kind in (~defective, defective)]
    middle, half = TOP + DEEP / 2, DEEP / 2 - 4
    bar = INNER / BINS
    parts = [_line(LEFT, middle, LEFT + INNER, middle, QUIET)]
    for sign, own, colour in ((-1, counts[0], GOOD), (1, counts[1], BAD)):
        tall = sign * half * own / max(1, int(own.max()))
        bars = "".join(
            f"M{LEFT + place * bar:.1f} {middle:.1f}v{height:.1f}h{bar - 1:.1f}v{-height:.1f}z"
            for place, height in enumerate(tall.tolist())
            if height
        )
        parts.append(f'<path d="{bars}" fill="{colour}"/>')
    parts += [
        _text(LEFT - 4, TOP + 10, "good", "end", GOOD),
        _text(LEFT - 4, TOP + DEEP, "defect", "end", BAD),
        *_ticks(0, 1, "score of a defect"),
    ]
    if threshold is not None:
        x = LEFT + threshold * INNER
        parts.append(
            f'<line class="threshold" data-left="{LEFT}" data-width="{INNER}" x1="{x:.2f}" '
            f'x2="{x:.2f}" y1="{TOP}" y2="{TOP + DEEP}" stroke="#1c2126" stroke-width="2"/>'
        )
    return _svg(parts, "Histogram of scores, good above and defective below the axis")


def curves(rows: Sequence[str], values: NDArray[np.float64], names: Sequence[str]) -> str:
    """Return a line for each experience, from 0 to 100 %, over the trainings.

    Args:
        rows: What was trained, in order.
        values: (rows, experiences), shares; nan where nothing was scored.
        names: Of the experiences.
    """
    step = INNER / max(1, len(rows) - 1)
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(share)
        parts += [
            _line(LEFT, y, LEFT + INNER, y, GRID),
            _text(LEFT - 6, y + 4, f"{100 * share:.0f}", "end"),
        ]
    for place, name in enumerate(rows):
        if len(rows) <= 8 or place in (0, len(rows) - 1):
            anchor = "start" if place == 0 else "end" if place == len(rows) - 1 else "middle"
            parts.append(_text(LEFT + place * step, HEIGHT - 12, name, anchor))
    for column, name in enumerate(names):
        points = [
            f"{LEFT + place * step:.1f},{_y(value):.1f}"
            for place, value in enumerate(values[:, column])
            if np.isfinite(value)
        ]
        colour = COLOURS[column % len(COLOURS)]
        dots = "".join(
            f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
            for x, y in (point.split(",") for point in points)
        )
        parts.append(
            f'<g><title>{escape(name)}</title><polyline points="{" ".join(points)}" fill="none" '
            f'stroke="{colour}" stroke-width="2"/>{dots}</g>'
        )
    return _svg(parts, "Scores on each experience after each training, in percent")


def trade_off(scores: NDArray[np.float64], defective: NDArray[np.bool_]) -> str:
    """Return how many defective images escape for every share of good ones that is rejected.

    Args:
        scores: (N,).
        defective: (N,), of both kinds at least one.
    """
    thresholds = np.append(np.unique(scores), np.inf)
    bad, good = np.sort(scores[defective]), np.sort(scores[~defective])
    escape_rates = np.searchsorted(bad, thresholds) / len(bad)
    overkill = 1 - np.searchsorted(good, thresholds) / len(good)
    points = " ".join(
        f"{LEFT + over * INNER:.1f},{_y(escaped):.1f}"
        for over, escaped in zip(overkill, escape_rates, strict=True)
    )
    parts = [_line(LEFT, _y(share), LEFT + INNER, _y(share), GRID) for share in (0.0, 0.5, 1.0)]
    parts += [
        _text(LEFT - 6, _y(share) + 4, f"{100 * share:.0f}", "end") for share in (0.0, 0.5, 1)
    ]
    parts += _ticks(0, 100, "overkill (%), with escape (%) above it")
    parts.append(f'<polyline points="{points}" fill="none" stroke="{BAD}" stroke-width="2"/>')
    return _svg(parts, "Escape over overkill")


class Bar(NamedTuple):
    """A value with its deviation (nan of a single one), a share of 1 or a number."""

    name: str
    value: float
    deviation: float


def bars(rows: Sequence[Bar]) -> str:
    """Return a bar for each row, its deviation at its end, on one scale from 0."""
    spreads = [0.0 if np.isnan(row.deviation) else row.deviation for row in rows]
    shares = all(row.value <= 1 for row in rows)
    longest = max(row.value + spread for row, spread in zip(rows, spreads, strict=True))
    high = min(longest, 1.0) if shares else longest
    tall, left = 24, 260
    scale = (WIDTH - left - 60) / max(high, 1e-12)
    parts = []
    for place, (row, spread) in enumerate(zip(rows, spreads, strict=True)):
        y, end = place * tall, left + scale * row.value
        near, far = end - scale * spread, end + scale * spread
        shown = f"{100 * row.value:.1f}" if shares else f"{row.value:.3g}"
        parts += [
            _text(left - 8, y + 16, row.name, "end"),
            f'<rect x="{left}" y="{y + 4}" width="{end - left:.1f}" height="16" fill="{GOOD}"/>',
            _line(near, y + 12, far, y + 12, "#1c2126"),
            _text(WIDTH - 4, y + 16, shown, "end"),
        ]
    return _svg(parts, "Comparison of runs", tall * len(rows))


def legend(names: Sequence[str]) -> str:
    """Return which colour is whose, as HTML."""
    dots = (
        f'<span style="color: {COLOURS[place % len(COLOURS)]}">●</span> {escape(name)}'
        for place, name in enumerate(names)
    )
    return f'<p class="quiet">{" &nbsp; ".join(dots)}</p>'


def _y(share: float) -> float:
    return TOP + DEEP * (1 - share)


def _ticks(low: float, high: float, title: str) -> list[str]:
    ends = ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    below = HEIGHT - BOTTOM + 14
    parts = [
        _text(LEFT + share * INNER, below, f"{low + share * (high - low):g}", anchor)
        for share, anchor in ends
    ]
    return [*parts, _text(LEFT + INNER / 2, HEIGHT - 4, title, "middle")]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str, colour: str = QUIET) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="fill: {colour}">'
        f"{escape(words)}</text>"
    )


def _svg(parts: Sequence[str], title: str, height: int = HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
