"""The process ends with its exit code once all that is owed to others is done."""

import subprocess
import sys
from pathlib import Path

import pytest

START = """
import atexit, sys, tempfile, weakref
from mlff_cli.system.leaving import Leaving

class Late:
    def __del__(self):
        print("taken apart")

late = Late()
leaving = Leaving()
folder = tempfile.TemporaryDirectory()
atexit.register(print, "registered")
print(folder.name)
"""


def ended(code):
    return subprocess.run(
        [sys.executable, "-c", START + code],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize("code", [0, 2, 141])
def test_what_is_registered_later_is_done_and_nothing_is_taken_apart(code):
    done = ended(f"leaving.code = {code}; sys.exit({code})")
    assert done.returncode == code, done.stderr
    folder, *rest = done.stdout.splitlines()
    assert rest == ["registered"]
    assert not Path(folder).exists(), "temporary folders are removed"


def test_threads_are_waited_for():
    code = """
import threading, time
threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
leaving.code = 3
sys.exit(3)
"""
    done = ended(code)
    assert done.returncode == 3 and "thread" in done.stdout


def test_without_a_code_python_ends_the_process():
    done = ended("raise ValueError('unexpected')")
    assert done.returncode == 1
    assert "unexpected" in done.stderr and done.stdout.endswith("registered\ntaken apart\n")
