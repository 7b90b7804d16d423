"""The columns of a table of results: their meaning, their rounding, and rows as CSV."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from mlff_cli.errors import UserError
from mlff_cli.metrics.figures import FIGURES, definition
from mlff_cli.metrics.scores import metric
from mlff_cli.results.labels import plain
from mlff_cli.system.files import write_atomically

Cell = str | int | float | None
Row = dict[str, Cell]
"""A row of results by its columns: scores as fractions, None where a value was not computed."""

DEVIATION = " deviation"
"""Ends the name of the column that holds a column's standard deviation over seeds."""

Kind = Literal["text", "integer", "count", "fraction", "points", "error", "percent", "seconds"]


class Column(NamedTuple):
    """How a column is shown, and what is said about it below the table."""

    kind: Kind
    definition: str = ""


SCORES = {
    "learning accuracy": ("accuracy", "learning"),
    "learning mAP": ("mAP", "learning"),
    "final accuracy": ("accuracy", "final average"),
    "final mAP": ("mAP", "final average"),
    "forgetting (mAP)": ("mAP", "forgetting"),
    "BWT (mAP)": ("mAP", "backward transfer"),
    "unseen mAP": ("mAP", "unseen"),
    "learning exact match": ("exact_match", "learning"),
    "final exact match": ("exact_match", "final average"),
    "learning mae": ("mae", "learning"),
    "final mae": ("mae", "final average"),
    "forgetting (mae)": ("mae", "forgetting"),
}
"""Columns of scores: the metric and the figure of each."""


def _score_column(name: str, figure: str) -> Column:
    words = definition(figure, name)
    if not metric(name).higher_is_better:
        return Column("error", words)
    if FIGURES[figure].unit == "difference":
        return Column("points", f"{words}; in percentage points")
    return Column("fraction", words)


COLUMNS = {
    "scenario": Column("text"),
    "method": Column("text"),
    "backbone": Column("text"),
    "fusion": Column("text"),
    "seed": Column("integer"),
    "seeds": Column("count", "number of runs; ± is the standard deviation over them"),
    **{name: _score_column(*source) for name, source in SCORES.items()},
    "trainable parameters": Column("count"),
    "saving (%)": Column(
        "percent", "parameters not trained, of those of the whole backbone and head"
    ),
    "training seconds per experience": Column("seconds", "without the extraction of features"),
    "feature extraction seconds": Column("seconds", "in all; 0 where every feature was stored"),
    "peak memory (MiB)": Column("count"),
    "error": Column("text"),
}
"""Columns in order. Others that a row may have are text and stand behind `fusion`."""


def base(title: str) -> str:
    """Return the column that a column of deviations belongs to; any other as it is."""
    return title.removesuffix(DEVIATION)


def kind(title: str) -> Kind:
    """Return how a column is shown."""
    return COLUMNS[base(title)].kind if base(title) in COLUMNS else "text"


def titles(rows: Sequence[Row]) -> list[str]:
    """Return the columns of the rows, in the order of the table."""
    present = dict.fromkeys(title for row in rows for title in row)
    varied = [title for title in present if base(title) not in COLUMNS]
    ordered: list[str] = []
    for column in COLUMNS:
        ordered += [title for title in (column, column + DEVIATION) if title in present]
        if column == "fusion":
            ordered += varied
    return ordered


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows unrounded, blank where not computed, atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header = titles(rows)
    writer.writerow(header)
    for row in rows:
        cells = (row.get(title) for title in header)
        writer.writerow([plain(cell) if isinstance(cell, str) else cell for cell in cells])
    write_atomically(path, text.getvalue())


def read_csv(path: Path) -> list[Row]:
    """Return the rows that `write_csv` wrote; columns that are not in `COLUMNS` stay text.

    Raises:
        UserError: The file cannot be read, or a cell is not the number that it should be.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            return [
                {title: _parsed(cell, title, path, reader.line_num) for title, cell in row.items()}
                for row in reader
            ]
    except OSError as error:
        raise UserError(f"cannot read the results {path}: {error.strerror}") from None
    except csv.Error as error:
        raise UserError(f"{path} is not a table separated by commas: {error}") from None


def _parsed(cell: str, title: str, path: Path, line: int) -> Cell:
    if not title:
        raise UserError(f"{path}, line {line}: there are more cells than columns")
    if kind(title) == "text":
        return cell
    try:
        if not cell:
            return None
        return int(cell) if cell.lstrip("-").isdigit() else float(cell)
    except ValueError:
        raise UserError(
            f"{path}, line {line}: {title} must be a number or blank, not '{cell}'"
        ) from None


def formatted(row: Row, title: str) -> str:
    """Return a cell as people see it: rounded, with deviation and unit; "" where not computed."""
    value = row.get(title)
    if value is None or isinstance(value, str) or kind(title) == "text":
        return plain("" if value is None else str(value))
    text = rounded(value, kind(title))
    deviation = row.get(title + DEVIATION)
    if isinstance(deviation, int | float):
        text += f" ± {rounded(deviation, kind(title), beside=value)}"
    return text + (" %" if kind(title) in ("fraction", "percent") else "")


def rounded(value: float, shown_as: Kind, beside: float | None = None) -> str:
    """Return a number rounded as its kind asks; fractions and points times 100, without unit.

    A deviation gets the decimals of the mean that it stands beside.
    """
    if shown_as == "integer":
        return str(value)
    size = abs(value if beside is None else beside)
    if shown_as == "error":
        return f"{value:.3g}" if size < 1000 else f"{value:,.0f}"
    if shown_as in ("fraction", "points"):
        value *= 100
    decimals = 0 if shown_as == "count" else 2 if shown_as == "seconds" and size < 10 else 1
    # Adding zero takes the minus from a -0 that rounding leaves.
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"
