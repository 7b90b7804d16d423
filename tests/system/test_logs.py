"""What is said: on the terminal, in a file, by one thread; and logging as it was afterwards."""

import logging
import re
import threading

import pytest

from mlff_cli.system.logs import LOGGER, logging_to
from mlff_cli.system.silence import silence

log = logging.getLogger(f"{LOGGER}.somewhere")


def state():
    logger = logging.getLogger(LOGGER)
    return (logger.level, logger.propagate, list(logger.handlers), logging.raiseExceptions)


def test_lines_are_on_the_terminal_and_with_the_time_in_the_file(tmp_path, capsys):
    file = tmp_path / "log.txt"
    with logging_to(file):
        log.info("begins with %d", 3)
    assert capsys.readouterr().out == "begins with 3\n"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d [\d:,]+ begins with 3\n", file.read_text())


def test_logging_is_afterwards_as_it_was_also_after_an_error(tmp_path):
    before = state()
    with pytest.raises(ZeroDivisionError), logging_to(tmp_path / "log.txt"):
        assert state() != before
        _ = 1 / 0
    assert state() == before
    assert not log.isEnabledFor(logging.INFO)


def test_in_silence_the_file_alone_is_written(tmp_path, capsys, caplog):
    file = tmp_path / "log.txt"
    with silence(), logging_to(file):
        log.info("said")
    assert "said" in file.read_text()
    assert capsys.readouterr().out == "" and caplog.messages == []


def test_another_thread_is_not_in_the_file(tmp_path):
    file = tmp_path / "log.txt"
    with silence(), logging_to(file):
        other = threading.Thread(target=log.info, args=["not of this run"])
        other.start()
        other.join()
        log.info("of this run")
    assert "of this run" in file.read_text() and "not of" not in file.read_text()


def test_a_line_does_not_break_a_progress_bar(tmp_path, capsys):
    import sys

    from tqdm import tqdm

    with logging_to(None):
        for _ in tqdm(range(2), file=sys.stdout, mininterval=0):
            log.info("a line")
    lines = re.split(r"[\r\n]", capsys.readouterr().out)
    assert lines.count("a line") == 2
