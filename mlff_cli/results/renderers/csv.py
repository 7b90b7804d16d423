"""A table as CSV: unrounded, for machines."""

import csv
import io

from mlff_cli.results.cells import BESIDE, Cell
from mlff_cli.results.labels import plain
from mlff_cli.results.table import Table


def render(table: Table) -> str:
    """Return titles and rows, blank where there is no value.

    What stands beside a cell (its deviation, its seeds, what it leaves out) has a column of its own
    behind the cell's, where some row has it. Title, notes and definitions are left out.
    """
    present = {key for row in table.rows for key in row}
    header: list[str] = []
    keys: list[str] = []
    for column in table.columns:
        ends = ["", *(end for end in BESIDE if column.place + end in present)]
        header += [plain(column.title) + end for end in ends]
        keys += [column.place + end for end in ends]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_plain(row.get(key)) for key in keys] for row in table.rows)
    return text.getvalue()


def _plain(cell: Cell) -> Cell:
    return plain(cell) if isinstance(cell, str) else cell
