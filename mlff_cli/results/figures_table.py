"""figures.csv: every figure of a run, of its score matrix and of its final scores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mlff_cli.metrics.figures import NOTATION, definition
from mlff_cli.metrics.registry import by_name
from mlff_cli.results.cells import Cell, Row, known_or_none
from mlff_cli.results.experience_figures import Figure
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.operating_points import OperatingPoint, tried
from mlff_cli.results.predictions import Predictions
from mlff_cli.results.table import Column, Table
from mlff_cli.results.tables import matrix_figures

COLUMNS = (
    Column("experience"),
    Column("class"),
    Column("metric"),
    Column("figure"),
    Column("value", "number"),
    Column("low", "number"),
    Column("high", "number"),
    Column("floor", "number"),
    Column("n", "count"),
    Column("left_out", "count"),
    Column("definition"),
)

FINAL = "after the last training"
"""The figure of an experience's own scores."""

RATES = {
    "escape": "share of the defective images that pass as good at the threshold",
    "overkill": "share of the good images that are rejected at the threshold",
}


def figures_table(
    matrix: ScoreMatrix,
    of_experiences: Mapping[str, Sequence[Figure]],
    points: Iterable[tuple[OperatingPoint, Predictions]] = (),
) -> Table:
    """Return every figure: of the matrix, then of each experience, then of its operating point.

    Args:
        matrix: Of the run.
        of_experiences: The figures of final scores, by the name of the experience.
        points: Operating points, and the final predictions that they are tried on.
    """
    scores = scores_table(of_experiences, points)
    return replace(scores, rows=[*_of_matrix(matrix), *scores.rows], legend=NOTATION)


def scores_table(
    of_experiences: Mapping[str, Sequence[Figure]],
    points: Iterable[tuple[OperatingPoint, Predictions]] = (),
) -> Table:
    """Return the figures of final scores alone: of each experience, then its operating point."""
    rows = [
        _of_scores(experience, figure)
        for experience, figures in of_experiences.items()
        for figure in figures
    ]
    rows += [row for point, predictions in points for row in _of_point(point, predictions)]
    return Table("figures", COLUMNS, rows)


def _of_matrix(matrix: ScoreMatrix) -> Iterable[Row]:
    for name in matrix.metrics:
        for figure, figured in matrix_figures(matrix, name).items():
            yield {
                "metric": name,
                "figure": figure,
                "value": known_or_none(figured.value),
                "left_out": len(figured.left_out),
                "definition": definition(figure, by_name(name)),
            }


def _of_scores(experience: str, figure: Figure) -> Row:
    return {
        "experience": experience,
        "class": figure.of,
        "metric": figure.name,
        "figure": FINAL,
        "value": known_or_none(figure.value),
        "low": known_or_none(figure.interval.low),
        "high": known_or_none(figure.interval.high),
        "floor": known_or_none(figure.floor),
        "n": figure.n,
        "definition": figure.definition,
    }


def _of_point(point: OperatingPoint, predictions: Predictions) -> list[Row]:
    found = tried(point, predictions)
    if found is None:
        return []
    values: dict[str, tuple[Cell, Cell, Cell, str]] = {
        "threshold": (point.threshold, None, None, "score from which an image is defective"),
        "escape": (
            known_or_none(found.escape),
            known_or_none(found.escape_bound),
            found.defective,
            RATES["escape"],
        ),
        "overkill": (
            known_or_none(found.overkill),
            known_or_none(found.overkill_bound),
            found.good,
            RATES["overkill"],
        ),
    }
    return [
        {
            "experience": point.experience,
            "metric": name,
            "figure": f"at {point.limit}={point.most:g}",
            "value": value,
            "high": bound,
            "n": count,
            "definition": words,
        }
        for name, (value, bound, count, words) in values.items()
    ]
