"""Silence for whoever calls this program from Python: no line on the terminal, no progress bar."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def silence(wanted: bool = True) -> Iterator[None]:
    """Say nothing on the terminal within, or as usual again; other threads are not concerned."""
    before = _silent.set(wanted)
    try:
        yield
    finally:
        _silent.reset(before)


def is_silent() -> bool:
    """Return whether nothing is to be said on the terminal."""
    return _silent.get()


def no_bars() -> bool:
    """Return whether progress bars are left out: in silence, and where nobody watches them."""
    return is_silent() or not sys.stderr.isatty()
