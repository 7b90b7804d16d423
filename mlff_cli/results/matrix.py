"""The score matrix of one run: a long table on disk, an array for the figures."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.figures import Scores
from mlff_cli.metrics.registry import by_name
from mlff_cli.results.labels import plain
from mlff_cli.system.files import write_atomically

COLUMNS = ("experience_trained", "experience_scored", "metric", "value", "n")
NAME_COLUMN = "name_scored"

TOGETHER = 0
"""As experience scored: the images of all experiences learned so far, taken together."""


class Score(NamedTuple):
    """A score and the number of test images behind it.

    Scored without a value (a test set of one class cannot be ranked) is nan and a number; never
    scored is nan and None.
    """

    value: float
    n: int | None

    @property
    def scored(self) -> bool:
        """Whether test images were scored, whatever came out."""
        return self.n is not None or not math.isnan(self.value)

    @property
    def without_value(self) -> bool:
        """Whether test images were scored, and nothing could be computed."""
        return self.n is not None and math.isnan(self.value)


_NEVER_SCORED = Score(float("nan"), None)


class ScoreMatrix:
    """Every score of one run.

    Attributes:
        experiences: Names in order, on one line each; those never trained on last.
        learned: T, the number of experiences that are trained on.
    """

    def __init__(self, experiences: Sequence[str], learned: int) -> None:
        if not 0 <= learned <= len(experiences):
            raise ValueError(f"{learned} of {len(experiences)} experiences cannot be learned")
        self.experiences = tuple(plain(name) for name in experiences)
        self.learned = learned
        self._scores: dict[tuple[str, int, int], Score] = {}

    @property
    def metrics(self) -> list[str]:
        """The metrics there are, in the order in which they came."""
        return list(dict.fromkeys(metric for metric, *_ in self._scores))

    @property
    def scored_together(self) -> bool:
        """Whether the images of all experiences learned were scored as one."""
        return any(self.score(name, self.learned, TOGETHER).scored for name in self.metrics)

    def add(self, trained: int, scored: int, metric: str, *, value: float, n: int | None) -> None:
        """Note a score, in place of an earlier one of the same place.

        Args:
            trained: Index of the experience trained last, 0 for the untrained model.
            scored: Index of the experience scored, from 1, or `TOGETHER`.
            metric: Its name; "mae dx" is that of a single output.
            value: The score; nan where there is none.
            n: The number of test images; None where nothing was scored.

        Raises:
            ValueError: An index is out of range, or the value infinite.
            UserError: The metric is unknown.
        """
        by_name(metric)
        if not 0 <= trained <= self.learned:
            raise ValueError(f"experience_trained must be from 0 to {self.learned}, not {trained}")
        if not TOGETHER <= scored <= len(self.experiences):
            raise ValueError(
                f"experience_scored must be from 0 to {len(self.experiences)}, not {scored}"
            )
        if math.isinf(value):
            raise ValueError(f"{metric} must be finite, not {value}")
        self._scores[metric, trained, scored] = Score(float(value), n)

    def score(self, metric: str, trained: int, scored: int) -> Score:
        """Return one score, nan and None where none was noted."""
        return self._scores.get((metric, trained, scored), _NEVER_SCORED)

    def array(self, metric: str) -> NDArray[np.float64]:
        """Return the scores on the experiences learned: (T + 1, T), nan where there is none."""
        return self.full_array(metric)[:, : self.learned]

    def unseen_array(self, metric: str) -> NDArray[np.float64]:
        """Return the scores on the experiences never trained on: (T + 1, U)."""
        return self.full_array(metric)[:, self.learned :]

    def full_array(self, metric: str) -> NDArray[np.float64]:
        """Return the scores on all experiences: (T + 1, T + U)."""
        return np.array([[score.value for score in row] for row in self._grid(metric)], np.float64)

    def masked_array(self, metric: str) -> Scores:
        """Return `full_array`, masked where an experience was scored and has no value."""
        return _masked(self._grid(metric))

    def together_array(self, metric: str) -> Scores:
        """Return the scores on all experiences learned so far, taken together: (T + 1, 1).

        Masked where they were scored and have no value.
        """
        return _masked([[self.score(metric, row, TOGETHER)] for row in range(self.learned + 1)])

    def trainings(self, metric: str, names: Sequence[str] = ()) -> list[tuple[int, str]]:
        """Return the rows of `full_array` that were scored, with what was trained last.

        Row 0 is called "untrained", a row T that stands alone "all"; without any score, every
        training is there. `names` stand in place of the experiences'.
        """
        scored = sorted({trained for trained, _, name, _ in self.scored() if name == metric})
        if scored == [self.learned] and self.learned > 1:
            return [(self.learned, "all")]
        steps = ("untrained", *(names or self.experiences))
        return [(row, steps[row]) for row in scored or range(1, self.learned + 1)]

    def scored(self) -> Iterator[tuple[int, int, str, Score]]:
        """Yield what was scored: experience trained, experience scored, metric, score."""
        for metric in self.metrics:
            for trained, scored, score in self._cells(metric):
                if score.scored:
                    yield trained, scored, metric, score

    def to_csv(self, path: Path) -> None:
        """Write every cell, atomically: unrounded, blank where there is none, always the same."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*COLUMNS, NAME_COLUMN))
        for metric in self.metrics:
            for trained, scored, (value, n) in self._cells(metric):
                cells = (trained, scored, metric, "" if math.isnan(value) else repr(value))
                name = self.experiences[scored - 1] if scored else ""
                writer.writerow((*cells, "" if n is None else n, name))
        write_atomically(path, text.getvalue())

    def _cells(self, metric: str) -> Iterator[tuple[int, int, Score]]:
        """Yield every cell, and what was scored together after those of its row."""
        for trained, row in enumerate(self._grid(metric)):
            for scored, score in enumerate(row, start=1):
                yield trained, scored, score
            if (together := self.score(metric, trained, TOGETHER)).scored:
                yield trained, TOGETHER, together

    def _grid(self, metric: str) -> list[list[Score]]:
        columns = range(1, len(self.experiences) + 1)
        rows = range(self.learned + 1)
        return [[self.score(metric, i, j) for j in columns] for i in rows]


def _masked(grid: Sequence[Sequence[Score]]) -> Scores:
    values = [[score.value for score in row] for row in grid]
    return np.ma.array(values, np.float64, mask=[[s.without_value for s in row] for row in grid])
