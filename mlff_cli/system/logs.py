"""What a run says: on the terminal, unless silence is wished for, and in its log.txt."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TextIO

from mlff_cli.system.silence import is_silent

LOGGER = "mlff_cli"


@contextmanager
def logging_to(file: Path | None) -> Iterator[None]:
    """Say what this thread does on the terminal, and in `file` with the time of day.

    Afterwards the logging of the process is as it was.
    """
    handlers: list[logging.Handler] = [] if is_silent() else [_AboveBars(sys.stdout)]
    if file is not None:
        to_file = logging.FileHandler(file, encoding="utf-8")
        to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handlers.append(to_file)
    logger, here = logging.getLogger(LOGGER), threading.get_ident()
    with _own_logging(logger):
        for handler in handlers:
            handler.addFilter(lambda record: record.thread == here)
            logger.addHandler(handler)
        try:
            yield
        finally:
            for handler in handlers:
                logger.removeHandler(handler)
                handler.close()


@contextmanager
def _own_logging(logger: logging.Logger) -> Iterator[None]:
    """Let everything of this package be said by its own handlers alone."""
    before = (logger.level, logger.propagate, logging.raiseExceptions)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # A full disk or a closed pipe is told by what needs it, not by a traceback for each line.
    logging.raiseExceptions = False
    try:
        yield
    finally:
        logger.level, logger.propagate, logging.raiseExceptions = before
        logger.setLevel(logger.level)  # forgets what it has worked out of the level


class _AboveBars(logging.StreamHandler[TextIO]):
    """Says a line above the progress bars that are shown.

    Where tqdm has not been imported there are none, and it is not imported for that.
    """

    def emit(self, record: logging.LogRecord) -> None:
        tqdm = sys.modules.get("tqdm")
        with tqdm.tqdm.external_write_mode(self.stream) if tqdm else nullcontext():
            super().emit(record)
