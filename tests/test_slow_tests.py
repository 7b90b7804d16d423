"""The list of slow tests is of modules that are there, and says when another one belongs on it."""

import subprocess
import sys
from pathlib import Path

import pytest
from slow_tests import FAST, LONGEST, SLOW, TESTS, is_slow, too_slow


@pytest.mark.parametrize("name", SLOW)
def test_what_is_named_is_there_and_holds_tests(name):
    place = TESTS / name
    assert place.is_file() or list(place.rglob("test_*.py"))


def test_the_list_is_sorted_and_names_nothing_twice():
    assert list(SLOW) == sorted(set(SLOW))
    for name in SLOW:
        assert not any(str(folder) in SLOW for folder in Path(name).parents)


def test_a_module_is_slow_by_its_folder_or_its_name():
    assert is_slow(TESTS / "commands" / "test_anything.py")
    assert is_slow(TESTS / "test_chaos.py")
    assert not is_slow(Path(__file__))


def report(module, seconds):
    return pytest.TestReport(
        f"{module}::test_it", (module, 1, "test_it"), {}, "passed", None, "call", duration=seconds
    )


def test_what_takes_long_is_named_by_its_module():
    half = LONGEST * 0.6
    (line,) = too_slow([report("a.py", half), report("b.py", half), report("a.py", half)])
    assert line.startswith("a.py took 6.0 s")


def test_a_fast_run_leaves_out_what_is_named():
    modules = [str(TESTS / "metrics" / "test_accuracy.py"), str(TESTS / "test_chaos.py")]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-m", FAST, *modules]
    found = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=True)
    assert "test_accuracy.py" in found.stdout
    assert "test_chaos.py" not in found.stdout
