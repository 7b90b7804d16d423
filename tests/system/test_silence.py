"""Silence: within a block and a thread, and no longer."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlff_cli.system.silence import is_silent, no_bars, silence


def test_silence_ends_with_its_block_also_by_an_error():
    assert not is_silent()
    with pytest.raises(ZeroDivisionError), silence():
        assert is_silent()
        with silence(False):
            assert not is_silent()
        assert is_silent()
        _ = 1 / 0
    assert not is_silent()


def test_other_threads_are_not_silenced():
    with silence(), ThreadPoolExecutor(1) as pool:
        assert is_silent() and not pool.submit(is_silent).result()


@pytest.mark.parametrize(("watched", "silent"), [(True, False), (True, True), (False, False)])
def test_bars_are_for_those_who_watch_and_want_them(watched, silent, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: watched, raising=False)
    with silence(silent):
        assert no_bars() == (silent or not watched)
