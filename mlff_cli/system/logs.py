"""What a run says: on the terminal and in its log.txt."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TextIO

LOGGER = "mlff_cli"


@contextmanager
def logging_to(file: Path | None) -> Iterator[None]:
    """Say everything of this package on the terminal, and in `file` with the time of day."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # A full disk or a closed pipe is told by what needs it, not by a traceback for each line.
    logging.raiseExceptions = False
    handlers: list[logging.Handler] = [_AboveBars(sys.stdout)]
    if file is not None:
        to_file = logging.FileHandler(file, encoding="utf-8")
        to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handlers.append(to_file)
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()


class _AboveBars(logging.StreamHandler[TextIO]):
    """Says a line above the progress bars that are shown.

    Where tqdm has not been imported there are none, and it is not imported for that.
    """

    def emit(self, record: logging.LogRecord) -> None:
        tqdm = sys.modules.get("tqdm")
        with tqdm.tqdm.external_write_mode(self.stream) if tqdm else nullcontext():
            super().emit(record)
