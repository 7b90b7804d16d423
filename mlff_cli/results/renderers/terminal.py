"""A table on the terminal."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlff_cli.results.labels import plain
from mlff_cli.results.table import Table

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table as Drawn
    from rich.text import Text

_SIDE_BY_SIDE = 4


def show(table: Table, folder: Path) -> None:
    """Print a table of results, and the folder where it lies."""
    console().print(side_by_side(table))
    print(folder)


def console() -> "Console":
    """Return where tables are printed: a pipe has no width, and takes what they need."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to `main`: rich would end the process with the exit code of a failure."""
            raise BrokenPipeError

    return Terminal(width=None if sys.stdout.isatty() else 200)


def across(table: Table) -> "Group":
    """Return the table with a line for each row, its notes below."""
    return _group([_level(table)], table.notes)


def across_or_listed(table: Table) -> "Group":
    """Return the table `across`; where that would cut words, a paragraph for each row instead.

    A paragraph begins with the last cell, whole even where it is longer than a line.
    """
    screen, drawn = console(), _level(table)
    unbound = screen.options.update(max_width=10_000)
    if screen.measure(drawn, options=unbound).minimum <= screen.width:
        return _group([drawn], table.notes)
    *others, name = table.columns
    paragraphs = [
        f"{name.text(row)}: "
        + ", ".join(f"{column.title} {text}" for column in others if (text := column.text(row)))
        for row in table.rows
    ]
    return _group([], [*paragraphs, *table.notes])


def _level(table: Table) -> "Drawn":
    drawn = _drawn(table)
    for column in table.columns:
        drawn.add_column(_text(column.title), justify="right" if column.to_right else "left")
    for row in table.rows:
        drawn.add_row(*map(_text, table.texts(row)))
    return drawn


def side_by_side(table: Table) -> "Group":
    """Return the table with a column for each row, a few at a time: a scenario after the other.

    What is the same in all rows stands below, and so do the notes.
    """
    told = table.without_repeats()
    drawn = []
    for part in told.split_by("scenario"):
        for first in range(0, len(part.rows), _SIDE_BY_SIDE):
            drawn.append(_upright(replace(part, rows=part.rows[first : first + _SIDE_BY_SIDE])))
    return _group(drawn, told.notes)


def _upright(table: Table) -> "Drawn":
    alone = len(table.rows) == 1
    names = [column for column in table.columns if column.names]
    drawn = _drawn(table, show_header=not alone)
    drawn.add_column(_text(", ".join(column.title for column in names)))
    for row in table.rows:
        heading = ", ".join(filter(None, (column.text(row) for column in names)))
        drawn.add_column(_text(heading), justify="right")
    for column in table.columns:
        if alone or not column.names:
            drawn.add_row(_text(column.title), *(_text(column.text(row)) for row in table.rows))
    return drawn


def _drawn(table: Table, *, show_header: bool = True) -> "Drawn":
    from rich.table import Table as Drawn

    title = _text(table.title) if table.title else None
    return Drawn(title=title, title_justify="left", show_header=show_header)


def _group(drawn: Sequence["Drawn"], notes: Sequence[str]) -> "Group":
    from rich.console import Group

    return Group(*drawn, *map(_text, notes))


def _text(label: str) -> "Text":
    from rich.text import Text

    # Here, so that the columns stay below each other: escapes are longer than the letters.
    encoding = sys.stdout.encoding or "utf-8"
    return Text(plain(label).encode(encoding, "backslashreplace").decode(encoding))
