"""Tables on the terminal."""

import sys
from pathlib import Path

from rich.console import Console

from mlff_cli.results.columns import Row
from mlff_cli.results.tables import rich_table


def show(rows: list[Row], title: str, folder: Path) -> None:
    """Print a table of rows, and the folder where it lies."""
    console().print(rich_table(rows, title))
    print(folder)


def console() -> Console:
    """Return where tables are printed: a pipe has no width, and takes what they need."""
    return Console(width=None if sys.stdout.isatty() else 160)
