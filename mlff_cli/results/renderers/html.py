"""A table as HTML: a plain <table>, everything in it escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from mlff_cli.results.labels import plain
from mlff_cli.results.table import Table


def render(table: Table) -> str:
    """Return the table with its title as caption, then notes and definitions as a list."""
    numeric = [column.to_right for column in table.columns]
    lines = ["<table>"]
    if table.title:
        lines.append(f"<caption>{_text(table.title)}</caption>")
    titles = [column.title for column in table.columns]
    lines += ["<thead>", _row("th", titles, numeric), "</thead>", "<tbody>"]
    lines += [_row("td", table.texts(row), numeric) for row in table.rows]
    lines += ["</tbody>", "</table>", *_list([*table.notes, *table.definitions()])]
    return "\n".join(lines) + "\n"


def _row(tag: str, cells: Sequence[str], numeric: Sequence[bool]) -> str:
    aligned = (' style="text-align: right"' if right else "" for right in numeric)
    parts = (
        f"<{tag}{style}>{_text(cell)}</{tag}>" for style, cell in zip(aligned, cells, strict=True)
    )
    return f"<tr>{''.join(parts)}</tr>"


def _list(lines: Iterable[str]) -> list[str]:
    items = [f"<li>{_text(line)}</li>" for line in lines]
    return ["<ul>", *items, "</ul>"] if items else []


def _text(label: str) -> str:
    return escape(plain(label))
