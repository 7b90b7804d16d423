"""Pieces of a page: every word in them is escaped."""

from collections.abc import Mapping, Sequence
from html import escape

from mlff_cli.results.labels import plain


def text(words: str) -> str:
    """Return words on one line as HTML shows them letter by letter."""
    return escape(plain(words))


def section(title: str, *parts: str) -> str:
    """Return parts under a heading; nothing where there are none."""
    content = "\n".join(filter(None, parts))
    return f"<section>\n<h2>{text(title)}</h2>\n{content}\n</section>\n" if content else ""


def wide(table: str) -> str:
    """Return a table that scrolls on its own where the page is narrower."""
    return f'<div class="wide">{table}</div>'


def box(lines: Sequence[str], kind: str) -> str:
    """Return sentences in a frame, "verdict" or "warning"; nothing without any."""
    inside = "".join(f"<p>{text(line)}</p>" for line in lines)
    return f'<div class="{kind}">{inside}</div>' if inside else ""


def bullets(lines: Sequence[str]) -> str:
    """Return lines as a list; nothing without any."""
    inside = "".join(f"<li>{text(line)}</li>" for line in lines)
    return f"<ul>{inside}</ul>" if inside else ""


def facts(lines: Mapping[str, str]) -> str:
    """Return names and values as a table."""
    rows = "".join(
        f"<tr><th>{text(name)}</th><td>{text(value)}</td></tr>" for name, value in lines.items()
    )
    return wide(f'<table class="facts">{rows}</table>')


def more(title: str, content: str) -> str:
    """Return what is shown when its title is clicked."""
    return f"<details><summary>{text(title)}</summary>{content}</details>"
