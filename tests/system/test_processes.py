"""Whether a process has ended."""

import os
import subprocess
import sys

import pytest

from mlff_cli.system.processes import has_ended


def test_one_that_lives_has_not_ended():
    assert not has_ended(os.getpid())


def test_one_that_was_waited_for_has_ended():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert has_ended(process.pid)


@pytest.mark.parametrize("process", [1, 2**80])
def test_another_users_and_no_number_at_all_are_not_known_to_have_ended(process):
    assert not has_ended(process)
