"""The verdict on a run in sentences, each with how sure it is."""

import math
from collections.abc import Iterable, Mapping, Sequence

from mlff_cli.metrics.metric import Metric
from mlff_cli.metrics.operating_point import Decisions
from mlff_cli.metrics.registry import by_name
from mlff_cli.results.cells import rounded
from mlff_cli.results.experience_figures import Figure
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.operating_points import OperatingPoint, rates, tried
from mlff_cli.results.predictions import Predictions
from mlff_cli.results.tables import matrix_figures


def headline(matrix: ScoreMatrix) -> str:
    """Return what is left of each metric at the end, and what was forgotten."""
    parts = []
    for name in matrix.metrics:
        metric, figures = by_name(name), matrix_figures(matrix, name)
        if name != metric.name or math.isnan(figures["final average"].value):
            continue
        parts.append(f"{name} {_number(figures['final average'].value, metric)}")
        lost = figures["forgetting"].value
        if not math.isnan(lost):
            points = f"{rounded(lost, 'points')} points" if metric.in_percent else f"{lost:.3g}"
            parts[-1] += f" (forgotten: {points})"
    count = len(matrix.experiences)
    if blank := _not_scored(matrix):
        return (
            f"After the last training {blank} of {matrix.learned} experiences could not be scored "
            "again, because their images were not at hand: there is no average."
        )
    over = f" on average over {count} experiences" if count > 1 else ""
    return f"After the last training: {', '.join(parts) or 'no score'}{over}."


def _not_scored(matrix: ScoreMatrix) -> int:
    """Return how many experiences that were learned have no score in the last row."""
    scored = {j for trained, j, _, _ in matrix.scored() if trained == matrix.learned}
    return matrix.learned - len(scored & set(range(1, matrix.learned + 1))) if scored else 0


def sentences(
    figures: Mapping[str, Sequence[Figure]], points: Iterable[tuple[OperatingPoint, Predictions]]
) -> list[str]:
    """Return what final scores are worth: against one answer for all, and at their thresholds.

    Args:
        figures: Of the final scores, by experience.
        points: Operating points, with what they are tried on.
    """
    first = {name: own[0] for name, own in figures.items() if own}
    lines = [_against_floors(first)] if first else []
    found = [decided for point, scored in points if (decided := tried(point, scored)) is not None]
    if found:
        together = Decisions(
            sum(own.defective for own in found),
            sum(own.escaped for own in found),
            sum(own.good for own in found),
            sum(own.rejected for own in found),
        )
        where = "the threshold" if len(found) == 1 else f"their {len(found)} thresholds"
        lines.append(f"At {where}, chosen on validation images: {rates(together)}.")
    return lines


def _against_floors(first: Mapping[str, Figure]) -> str:
    """Return on which experiences the first metric is surely better than one answer for all."""
    better = [name for name, figure in first.items() if _is_better(figure)]
    others = [f"{name} ({_beside_floor(first[name])})" for name in first if name not in better]
    metric = next(iter(first.values())).name
    blind = "the same answer for every image"
    if not others:
        whole = "all experiences" if len(better) > 1 else better[0]
        return f"On {whole} {metric} is better than {blind}, with 95 % certainty."
    told = f"{metric} is not shown to be better than {blind} on {', '.join(others)}"
    if better:
        told += f"; it is, with 95 % certainty, on {', '.join(better)}"
    return f"{told[0].upper()}{told[1:]}."


def _is_better(figure: Figure) -> bool:
    if math.isnan(figure.interval.low) or math.isnan(figure.floor) or figure.metric is None:
        return False
    if figure.metric.better == "down":
        return figure.interval.high < figure.floor
    return figure.interval.low > figure.floor


def _beside_floor(figure: Figure) -> str:
    if math.isnan(figure.value):
        return "no value"
    assert figure.metric is not None  # of an experience as a whole
    value, floor = (_number(number, figure.metric) for number in (figure.value, figure.floor))
    return f"{value} against {floor}"


def _number(value: float, metric: Metric) -> str:
    return f"{rounded(value, 'fraction')} %" if metric.in_percent else rounded(value, "number")
