"""A table as Markdown: rounded, with its notes and definitions below."""

from collections.abc import Sequence

from mlff_cli.results.labels import markdown
from mlff_cli.results.table import Table


def render(table: Table) -> str:
    """Return rows, notes and definitions; the title is left to the page, which knows its level."""
    lines: list[str] = []
    if table.columns and table.rows:
        lines.append(_line([column.title for column in table.columns]))
        rule = ["---:" if column.to_right else "---" for column in table.columns]
        lines.append(f"| {' | '.join(rule)} |")
        lines += [_line(table.texts(row)) for row in table.rows]
    below = [*table.notes, *table.definitions()]
    if below:
        lines += ["", *(f"- {markdown(line)}" for line in below)]
    return "\n".join(lines).strip() + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(markdown, cells))} |"
