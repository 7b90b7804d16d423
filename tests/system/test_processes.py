"""Whether a process has ended, and what there is for one."""

import os
import subprocess
import sys

import psutil
import pytest

from mlff_cli.system import processes
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


@pytest.mark.parametrize(
    ("files", "most_cores", "most_bytes"),
    [({}, 64, None), ({"cpu.max": "max 100000", "memory.max": "max"}, 64, None),
     ({"cpu.max": "250000 100000", "memory.max": "4294967296"}, 2, 1 << 32),
     ({"cpu.max": "50000 100000", "memory.max": "1048576"}, 1, 1 << 20)],
)  # fmt: skip
def test_what_a_container_may_use(tmp_path, monkeypatch, files, most_cores, most_bytes):
    monkeypatch.setattr(processes, "CONTAINER", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    assert processes.cores() == most_cores
    assert processes.memory() == (most_bytes or psutil.virtual_memory().total)
