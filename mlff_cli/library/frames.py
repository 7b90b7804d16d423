"""Files and tables of runs as data frames; pandas is imported here alone."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.errors import UserError
from mlff_cli.results.table import Table
from mlff_cli.system.extras import extra_module

if TYPE_CHECKING:
    from pandas import DataFrame

NAMES = (
    "experience", "class", "metric", "figure", "definition", "name_scored", "split", "image",
    "content", "group", "truth", "prediction", "name", "product", "batch", "labels", "targets",
    "scenario", "method", "backbone", "fusion",
)  # fmt: skip
"""Columns of the files of a run that hold text, whatever it looks like: a product may be `007`."""


def frame(lines: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> "DataFrame":
    """Return lines as a data frame with these columns.

    Raises:
        UserError: pandas is not installed.
    """
    made: DataFrame = extra_module("pandas", "library").DataFrame(list(lines), columns=columns)
    return made


def frame_of_file(path: Path) -> "DataFrame":
    """Return a CSV file of a run: names and words as text, numbers as such, blanks as NaN.

    Raises:
        UserError: It cannot be read, or pandas is not installed.
    """
    pandas = extra_module("pandas", "library")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            first, *rows = csv.reader(file)
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    made: DataFrame = pandas.DataFrame(rows, columns=first, dtype=str)
    for name in first:
        if name not in NAMES:
            made[name] = _numbers(pandas, made[name], ("", "nan"))
    return made


def frame_of_table(table: Table) -> "DataFrame":
    """Return a table as people see it; columns of plain numbers are numbers."""
    pandas = extra_module("pandas", "library")
    made = frame([], [column.title for column in table.columns])
    for column in table.columns:
        cells = pandas.Series([row.get(column.place) for row in table.rows], dtype=object)
        made[column.title] = cells if column.kind == "text" else _numbers(pandas, cells, (None,))
    return made


def _numbers(pandas: Any, cells: Any, blank: Sequence[str | None]) -> Any:
    """Return cells as numbers, or as they are where one is neither a number nor blank."""
    numbers = pandas.to_numeric(cells, errors="coerce")
    return numbers if (numbers.notna() | cells.isin(blank)).all() else cells
