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


_UNKNOWN = -1
"""The number of test images where none is known."""


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
        self._arrays: dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]] = {}

    @property
    def metrics(self) -> list[str]:
        """The metrics there are, in the order in which they came."""
        return list(self._arrays)

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
        if metric not in self._arrays:
            by_name(metric)
        if not 0 <= trained <= self.learned:
            raise ValueError(f"experience_trained must be from 0 to {self.learned}, not {trained}")
        if not TOGETHER <= scored <= len(self.experiences):
            raise ValueError(
                f"experience_scored must be from 0 to {len(self.experiences)}, not {scored}"
            )
        if math.isinf(value):
            raise ValueError(f"{metric} must be finite, not {value}")
        values, counts = self._arrays.setdefault(metric, self._of(metric))
        values[trained, scored] = value
        counts[trained, scored] = _UNKNOWN if n is None else n

    def score(self, metric: str, trained: int, scored: int) -> Score:
        """Return one score, nan and None where none was noted."""
        value, n = (array[trained, scored] for array in self._of(metric))
        return Score(float(value), None if n == _UNKNOWN else int(n))

    def first_rows(
        self, metric: str, trained: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return all scores up to a training, and the numbers of test images behind them.

        Each is (trained + 1, 1 + T + U); the first column is that of `TOGETHER`. No score is nan,
        no number -1.
        """
        values, counts = self._of(metric)
        return values[: trained + 1], counts[: trained + 1]

    def take_rows(
        self, metric: str, values: NDArray[np.float64], counts: NDArray[np.int64]
    ) -> None:
        """Take what `first_rows` returned of a matrix of the same experiences.

        Raises:
            ValueError: They are of another shape.
        """
        by_name(metric)
        own = self._arrays.setdefault(metric, self._of(metric))
        for mine, theirs in zip(own, (values, counts), strict=True):
            mine[: len(theirs)] = theirs

    def _of(self, metric: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return scores and numbers of images, each (T + 1, 1 + T + U); without any, blank ones."""
        if metric in self._arrays:
            return self._arrays[metric]
        shape = self.learned + 1, len(self.experiences) + 1
        return np.full(shape, np.nan), np.full(shape, _UNKNOWN)

    def array(self, metric: str) -> NDArray[np.float64]:
        """Return the scores on the experiences learned: (T + 1, T), nan where there is none."""
        return self.full_array(metric)[:, : self.learned]

    def unseen_array(self, metric: str) -> NDArray[np.float64]:
        """Return the scores on the experiences never trained on: (T + 1, U)."""
        return self.full_array(metric)[:, self.learned :]

    def full_array(self, metric: str) -> NDArray[np.float64]:
        """Return the scores on all experiences: (T + 1, T + U)."""
        values, _ = self._of(metric)
        return values[:, 1:].copy()

    def masked_array(self, metric: str) -> Scores:
        """Return `full_array`, masked where an experience was scored and has no value."""
        return self._masked(metric)[:, 1:]

    def together_array(self, metric: str) -> Scores:
        """Return the scores on all experiences learned so far, taken together: (T + 1, 1).

        Masked where they were scored and have no value.
        """
        return self._masked(metric)[:, :1]

    def trainings(self, metric: str, names: Sequence[str] = ()) -> list[tuple[int, str]]:
        """Return the rows of `full_array` that were scored, with what was trained last.

        Row 0 is called "untrained", a row T that stands alone "all"; without any score, every
        training is there. `names` stand in place of the experiences'.
        """
        scored = [row for row, there in enumerate(self._there(metric)) if there.any()]
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
        there = self._there(metric)
        values, counts = (array.tolist() for array in self._of(metric))
        for trained in range(self.learned + 1):
            for scored in (*range(1, len(self.experiences) + 1), TOGETHER):
                if scored != TOGETHER or there[trained, TOGETHER]:
                    n = counts[trained][scored]
                    yield trained, scored, Score(values[trained][scored], None if n < 0 else n)

    def _there(self, metric: str) -> NDArray[np.bool_]:
        """Return where test images were scored: (T + 1, 1 + T + U), `TOGETHER` first."""
        values, counts = self._of(metric)
        there: NDArray[np.bool_] = counts != _UNKNOWN
        there |= ~np.isnan(values)
        return there

    def _masked(self, metric: str) -> Scores:
        """Return all scores, `TOGETHER` first, masked where test images gave no value."""
        values, _ = self._of(metric)
        return np.ma.array(values, mask=self._there(metric) & np.isnan(values), copy=True)
