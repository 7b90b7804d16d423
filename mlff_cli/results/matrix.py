"""The score matrix: a long table on disk, an array for the figures."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import UserError
from mlff_cli.metrics.scores import metric as known_metric
from mlff_cli.results.labels import plain
from mlff_cli.system.files import write_atomically

COLUMNS = ("seed", "experience_trained", "experience_scored", "metric", "value", "n")
NAME_COLUMN = "name_scored"


class Score(NamedTuple):
    """A score and the number of test images behind it; nan and None where not computed."""

    value: float
    n: int | None


_BLANK = Score(float("nan"), None)


class ScoreMatrix:
    """Every score of one run, or of several seeds of it.

    Attributes:
        experiences: Names in order, on one line each; those never trained on last.
        learned: T, the number of experiences that are trained on.
    """

    def __init__(self, experiences: Sequence[str], learned: int) -> None:
        if not 0 <= learned <= len(experiences):
            raise ValueError(f"{learned} of {len(experiences)} experiences cannot be learned")
        self.experiences = tuple(plain(name) for name in experiences)
        self.learned = learned
        self._scores: dict[tuple[int, str, int, int], Score] = {}

    @property
    def seeds(self) -> list[int]:
        """The seeds there are, in rising order."""
        return sorted({seed for seed, *_ in self._scores})

    @property
    def metrics(self) -> list[str]:
        """The metrics there are, in the order in which they came."""
        return list(dict.fromkeys(metric for _, metric, *_ in self._scores))

    def add(
        self, seed: int, trained: int, scored: int, metric: str, *, value: float, n: int | None
    ) -> None:
        """Note a score, in place of an earlier one of the same place.

        Args:
            seed: Of the run.
            trained: Index of the experience trained last, 0 for the untrained model.
            scored: Index of the experience scored, from 1.
            metric: Its name in `metrics.scores.METRICS`.
            value: The score; nan where it could not be computed.
            n: The number of test images.

        Raises:
            ValueError: An index is out of range, or the value infinite.
            UserError: The metric is unknown.
        """
        known_metric(metric)
        if not 0 <= trained <= self.learned:
            raise ValueError(f"experience_trained must be from 0 to {self.learned}, not {trained}")
        if not 1 <= scored <= len(self.experiences):
            raise ValueError(
                f"experience_scored must be from 1 to {len(self.experiences)}, not {scored}"
            )
        if math.isinf(value):
            raise ValueError(f"{metric} must be finite, not {value}")
        self._scores[seed, metric, trained, scored] = Score(float(value), n)

    def score(self, metric: str, seed: int, trained: int, scored: int) -> Score:
        """Return one score, blank where none was noted."""
        return self._scores.get((seed, metric, trained, scored), _BLANK)

    def array(self, metric: str, seed: int) -> NDArray[np.float64]:
        """Return the scores on the experiences learned: (T + 1, T), nan where not computed."""
        return self.full_array(metric, seed)[:, : self.learned]

    def unseen_array(self, metric: str, seed: int) -> NDArray[np.float64]:
        """Return the scores on the experiences never trained on: (T + 1, U)."""
        return self.full_array(metric, seed)[:, self.learned :]

    def full_array(self, metric: str, seed: int) -> NDArray[np.float64]:
        """Return the scores on all experiences: (T + 1, T + U)."""
        rows = range(self.learned + 1)
        columns = range(1, len(self.experiences) + 1)
        values = [[self.score(metric, seed, i, j).value for j in columns] for i in rows]
        return np.array(values, dtype=np.float64).reshape(len(rows), len(columns))

    def trainings(self, metric: str, seed: int, names: Sequence[str] = ()) -> list[tuple[int, str]]:
        """Return the rows of `full_array` that have scores, with what was trained last.

        Row 0 is called "untrained", a row T that stands alone "all"; without any score, every
        training is there. `names` stand in place of the experiences'.
        """
        scored = np.flatnonzero(np.isfinite(self.full_array(metric, seed)).any(axis=1)).tolist()
        if scored == [self.learned] and self.learned > 1:
            return [(self.learned, "all")]
        steps = ("untrained", *(names or self.experiences))
        return [(row, steps[row]) for row in scored or range(1, self.learned + 1)]

    def _cells(self) -> Iterator[tuple[int, str, int, int]]:
        for seed in self.seeds:
            for metric in self.metrics:
                for trained in range(self.learned + 1):
                    for scored in range(1, len(self.experiences) + 1):
                        yield seed, metric, trained, scored

    def to_csv(self, path: Path) -> None:
        """Write every cell, atomically; blank where not computed, unrounded, the same each time."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*COLUMNS, NAME_COLUMN))
        for seed, metric, trained, scored in self._cells():
            value, n = self.score(metric, seed, trained, scored)
            cells = (seed, trained, scored, metric, "" if math.isnan(value) else repr(value))
            name = self.experiences[scored - 1]
            writer.writerow((*cells, "" if n is None else n, name))
        write_atomically(path, text.getvalue())


def read_csv(path: Path) -> ScoreMatrix:
    """Return the matrix that `ScoreMatrix.to_csv` wrote, or one in the same columns.

    Names that the file does not carry are the experiences' indices.

    Raises:
        UserError: The file is missing, has not the columns, or a value is wrong (line and column).
    """
    names: dict[int, str] = {}
    cells: dict[tuple[int, str, int, int], Score] = {}
    for line, row in _rows(path):
        seed = _integer(row, "seed", path, line, -(2**63))
        trained = _integer(row, "experience_trained", path, line, 0)
        scored = _integer(row, "experience_scored", path, line, 1)
        try:
            known_metric(row["metric"])
        except UserError as error:
            raise UserError(f"{path}, line {line}: {error}") from None
        n = _integer(row, "n", path, line, 0) if row["n"] else None
        key = (seed, row["metric"], trained, scored)
        if key in cells:
            raise UserError(f"{path}, line {line}: repeats an earlier line; remove one of the two")
        cells[key] = Score(_value(row, path, line), n)
        name = row.get(NAME_COLUMN, str(scored))
        if names.setdefault(scored, name) != name:
            raise UserError(
                f"{path}, line {line}: experience {scored} is called '{name}' here and "
                f"'{names[scored]}' above; give it one name"
            )
    if not cells:
        raise UserError(f"{path} has no scores; run the training again")
    learned, last = max(key[2] for key in cells), max(names)
    if learned > last:
        raise UserError(f"{path}: experience {learned} was trained, but only {last} were scored")
    matrix = ScoreMatrix([names.get(j, str(j)) for j in range(1, last + 1)], learned)
    for (seed, metric, trained, scored), score in cells.items():
        matrix.add(seed, trained, scored, metric, value=score.value, n=score.n)
    return matrix


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        file = path.open(encoding="utf-8-sig", errors="replace", newline="")
    except OSError as error:
        raise UserError(f"cannot read the score matrix {path}: {error.strerror}") from None
    with file:
        reader = csv.DictReader(file, restkey="", restval="")
        try:
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise UserError(
                    f"{path} has no column {', '.join(missing)}; expected, separated by commas: "
                    + ", ".join(COLUMNS)
                )
            for row in reader:
                yield reader.line_num, row
        except csv.Error as error:
            raise UserError(f"{path}, line {reader.line_num}: {error}") from None


def _integer(row: Mapping[str, str], column: str, path: Path, line: int, least: int) -> int:
    try:
        value = int(row[column])
        if value >= least:
            return value
    except ValueError:
        pass
    expected = "an integer" if least < 0 else f"an integer from {least} up"
    raise UserError(f"{path}, line {line}: {column} must be {expected}, not '{row[column]}'")


def _value(row: Mapping[str, str], path: Path, line: int) -> float:
    try:
        value = float(row["value"] or "nan")
        if math.isfinite(value) or not row["value"]:
            return value
    except ValueError:
        pass
    raise UserError(
        f"{path}, line {line}: value must be a finite number, or blank where it was not "
        f"computed, not '{row['value']}'"
    )
