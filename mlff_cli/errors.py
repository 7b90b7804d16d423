"""The one error a user can fix, and the nearest right names for a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches

SHOWN = 5
"""How many bad files, rows or names a message lists."""


class UserError(Exception):
    """A mistake that the user can fix.

    The message names the file, key or value, says what was expected and how to fix it. The
    command line prints it without a traceback and leaves with exit code 2.
    """


def nearest(word: str, names: Iterable[str]) -> str:
    """Return ``did you mean 'a' or 'b'?``, or the names there are when none is near."""
    known = sorted(set(names))
    close = get_close_matches(word, known, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    return "choose one of: " + (", ".join(known) or "(there are none)")
