"""The table that ``mlff evaluate`` prints."""

import math
from collections.abc import Mapping

from mlff_cli.results.cells import Row, known_or_none
from mlff_cli.results.table import Column, Table

Scores = Mapping[str, Mapping[str, float]]
"""Every metric of each experience, by their names."""


def evaluation_table(scores: Scores, saved: Scores) -> Table:
    """Return a row for each experience and metric, beside the saved score where there are such."""
    columns = [Column("experience"), Column("metric"), Column("score", "score")]
    columns += [Column("saved", "score")] if saved else []
    rows: list[Row] = [
        {
            "experience": experience,
            "metric": metric,
            "score": known_or_none(value),
            "saved": known_or_none(saved.get(experience, {}).get(metric, math.nan)),
        }
        for experience, values in scores.items()
        for metric, value in values.items()
    ]
    return Table("", columns, rows)
