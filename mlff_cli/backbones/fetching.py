"""Whether weights may be fetched from the network, or count only where they are on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_MAY_FETCH = ContextVar("may_fetch", default=True)


@contextmanager
def without_fetching() -> Iterator[None]:
    """Let nothing be fetched within: who merely asks what is there must not wait for a network."""
    token = _MAY_FETCH.set(False)
    try:
        yield
    finally:
        _MAY_FETCH.reset(token)


def may_fetch() -> bool:
    """Return whether weights that are not on the machine may be fetched."""
    return _MAY_FETCH.get()
