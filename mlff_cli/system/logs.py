"""What a run says: on the terminal and in its log.txt."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOGGER = "mlff_cli"


@contextmanager
def logging_to(file: Path | None) -> Iterator[None]:
    """Say everything of this package on the terminal, and in `file` with the time of day."""
    from tqdm.contrib.logging import logging_redirect_tqdm

    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # A full disk or a closed pipe is told by what needs it, not by a traceback for each line.
    logging.raiseExceptions = False
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if file is not None:
        to_file = logging.FileHandler(file, encoding="utf-8")
        to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handlers.append(to_file)
    for handler in handlers:
        logger.addHandler(handler)
    try:
        with logging_redirect_tqdm([logger]):
            yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
