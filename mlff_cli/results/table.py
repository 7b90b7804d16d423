"""A table: columns, rows and notes; how it looks is a matter of the renderers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlff_cli.results.cells import Kind, Row, formatted


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: What stands above it.
        kind: How its cells are shown.
        definition: What is said about it below the table.
        key: Where rows hold its cells, by default under the title. Titles from users' files may
            be alike; keys are not.
    """

    title: str
    kind: Kind = "text"
    definition: str = ""
    key: str = ""

    @property
    def place(self) -> str:
        """Where rows hold its cells."""
        return self.key or self.title

    @property
    def to_right(self) -> bool:
        """Whether its cells are numbers, which stand to the right."""
        return self.kind != "text"

    @property
    def names(self) -> bool:
        """Whether its cells tell rows apart, rather than measure them."""
        return self.kind in ("text", "integer")

    def text(self, row: Row) -> str:
        """Return its cell of a row as people see it."""
        return formatted(row, self.place, self.kind)


@dataclass(frozen=True)
class Table:
    """Columns, rows, and what is said about them.

    Attributes:
        title: What stands above; "" for nothing.
        columns: In order.
        rows: A cell for each column, by the column's key; more cells are never shown.
        notes: Lines that stand below.
        legend: What the definitions of the columns have in common.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    legend: str = ""

    def texts(self, row: Row) -> list[str]:
        """Return the cells of a row as people see them."""
        return [column.text(row) for column in self.columns]

    def definitions(self) -> list[str]:
        """Return a line for each column that has a definition, the legend first."""
        lines = [f"{column.title}: {column.definition}" for column in self.columns
                 if column.definition]  # fmt: skip
        return [self.legend, *lines] if self.legend and lines else lines

    def split_by(self, title: str) -> "list[Table]":
        """Return a table for each text of a column, which moves to the title where it varies."""
        column = next((column for column in self.columns if column.title == title), None)
        parts = list(dict.fromkeys(column.text(row) for row in self.rows)) if column else []
        if column is None or len(parts) < 2:
            return [self]
        others = [other for other in self.columns if other is not column]
        return [
            replace(
                self,
                title=f"{self.title}: {part}",
                columns=others,
                rows=[row for row in self.rows if column.text(row) == part],
            )
            for part in parts
        ]

    def without_repeats(self) -> "Table":
        """Return the table with a note in place of columns of names that never differ."""
        same = [c for c in self.columns if c.names and len({c.text(row) for row in self.rows}) == 1]
        if len(self.rows) < 2 or not same:
            return self
        note = ", ".join(f"{column.title} {column.text(self.rows[0])}" for column in same)
        columns = [column for column in self.columns if column not in same]
        return replace(self, columns=columns, notes=[note, *self.notes])
