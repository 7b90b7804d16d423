"""Ctrl-C and SIGTERM: at once where nothing is lost, else after the state has been kept.

Never within an import: what is imported turns the exception into others, or aborts the process.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import walk_stack
from types import FrameType
from typing import NoReturn

AFTER_IMPORT = 0.05
"""Seconds until a signal that came within an import is tried again."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what a batch system or a machine that shuts down sends first."""


@dataclass
class _Signals:
    delaying: bool = False
    waiting: int | None = None


_signals = _Signals()


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `KeyboardInterrupt` at Ctrl-C and `Terminated` at SIGTERM, `delayed` where asked for.

    A signal that the caller's shell has set to be ignored, as for background jobs, stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _arrived)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def delayed() -> Iterator[None]:
    """Let a first signal wait until `is_waiting` is asked; a second one is obeyed at once."""
    _signals.delaying, _signals.waiting = True, None
    try:
        yield
    finally:
        _signals.delaying = False
    if _signals.waiting is not None:
        obey()


def is_waiting() -> bool:
    """Return whether a signal came that has not been obeyed yet."""
    return _signals.waiting is not None


def obey() -> NoReturn:
    """Raise for the signal that waits."""
    number, _signals.waiting = _signals.waiting, None
    _signals.delaying = False
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


def _arrived(number: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        again = threading.Timer(AFTER_IMPORT, _send, [number])
        again.daemon = True
        again.start()
        return
    if _signals.delaying and _signals.waiting is None:
        _signals.waiting = number
        return
    _signals.waiting = number
    obey()


def _send(number: int) -> None:
    """Send a signal to the main thread, to wake it where it waits for something."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)


def _is_importing(frame: FrameType | None) -> bool:
    importing = "<frozen importlib._bootstrap>"
    return any(outer.f_code.co_filename == importing for outer, _ in walk_stack(frame))
