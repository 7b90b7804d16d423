"""Names from users' folders and files, made fit to be shown."""

import re
import unicodedata
from collections.abc import Sequence

# An underscore between two letters or digits never opens or closes emphasis.
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")


def plain(label: str) -> str:
    """Return the label on one line, with U+FFFD for what cannot be shown (control characters)."""
    line = " ".join(label.split())
    shown = (c if unicodedata.category(c) not in ("Cc", "Cs") else "\ufffd" for c in line)
    return "".join(shown)


def shortened(label: str, length: int) -> str:
    """Return the plain label, its middle left out where it is longer than `length`."""
    line = plain(label)
    if len(line) <= length:
        return line
    tail = (length - 1) // 2
    return line[: length - 1 - tail] + "…" + line[len(line) - tail :]


def distinct(labels: Sequence[str], length: int) -> list[str]:
    """Return the labels shortened, each behind its number where two would look alike."""
    short = [shortened(label, length) for label in labels]
    if len(set(short)) == len(short):
        return short
    numbered = (f"{number} {plain(label)}" for number, label in enumerate(labels, start=1))
    return [shortened(label, length) for label in numbered]


def markdown(label: str) -> str:
    """Return the label such that Markdown, also within a table, shows it letter by letter."""
    return _MARKDOWN.sub(lambda match: "\\" + match.group(), plain(label))
