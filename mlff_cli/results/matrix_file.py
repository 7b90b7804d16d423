"""A score matrix read from its file: what is wrong there is named by line and column."""

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlff_cli.errors import UserError
from mlff_cli.metrics.registry import by_name
from mlff_cli.results.matrix import COLUMNS, NAME_COLUMN, TOGETHER, Score, ScoreMatrix


def read_csv(path: Path) -> ScoreMatrix:
    """Return the matrix that `ScoreMatrix.to_csv` wrote, or one in the same columns.

    Names that the file does not carry are the experiences' indices.

    Raises:
        UserError: The file is missing, has not the columns, or a value is wrong (line and column).
    """
    names: dict[int, str] = {}
    cells: dict[tuple[int, int, str], Score] = {}
    for line, row in _rows(path):
        cell, score = _cell(row, path, line)
        if cell in cells:
            raise UserError(f"{path}, line {line}: repeats an earlier line; remove one of the two")
        cells[cell] = score
        if cell[1] != TOGETHER:
            _note_name(names, cell[1], row, f"{path}, line {line}")
    if not names:
        raise UserError(f"{path} has no scores; run the training again")
    learned, last = max(trained for trained, *_ in cells), max(names)
    if learned > last:
        raise UserError(f"{path}: experience {learned} was trained, but only {last} were scored")
    matrix = ScoreMatrix([names.get(j, str(j)) for j in range(1, last + 1)], learned)
    for cell, score in cells.items():
        matrix.add(*cell, value=score.value, n=score.n)
    return matrix


def _cell(row: Mapping[str, str], path: Path, line: int) -> tuple[tuple[int, int, str], Score]:
    """Return the place of a row (experience trained, experience scored, metric) and its score."""
    trained = _integer(row, "experience_trained", path, line, 0)
    scored = _integer(row, "experience_scored", path, line, TOGETHER)
    try:
        by_name(row["metric"])
    except UserError as error:
        raise UserError(f"{path}, line {line}: {error}") from None
    n = _integer(row, "n", path, line, 0) if row["n"] else None
    return (trained, scored, row["metric"]), Score(_value(row, path, line), n)


def _note_name(names: dict[int, str], scored: int, row: Mapping[str, str], place: str) -> None:
    """Note what an experience is called, its index where the file does not say."""
    name = row.get(NAME_COLUMN, str(scored))
    if names.setdefault(scored, name) != name:
        raise UserError(
            f"{place}: experience {scored} is called '{name}' here and "
            f"'{names[scored]}' above; give it one name"
        )


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
    raise UserError(
        f"{path}, line {line}: {column} must be an integer from {least} up, not '{row[column]}'"
    )


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
