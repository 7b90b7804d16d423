"""Who adds to a file of answers: one process at a time, and none that is dead."""

import subprocess
import sys
import time

import pytest

from mlff_cli.errors import UserError
from mlff_cli.runs.output_lock import held, refuse_held

HOLD = """
import os, sys, time
from pathlib import Path
from mlff_cli.runs.output_lock import held
with held(Path(sys.argv[1])):
    if os.fork() == 0:
        time.sleep(2)  # as a process that decodes images would go on
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "deep" / "told.csv")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_holder_is_named_and_once_killed_it_is_no_hindrance(tmp_path, holder):
    output = tmp_path / "deep" / "told.csv"
    started = time.monotonic()
    said = f"output=.*told.csv: process {holder.pid} on .* since 20"
    with pytest.raises(UserError, match=said), held(output):
        pytest.fail("two processes hold the file")
    with pytest.raises(UserError, match=said):
        refuse_held(output)
    assert time.monotonic() - started < 2, "nobody waits for a process that lives"
    holder.kill()
    holder.wait()
    with held(output), pytest.raises(UserError, match="has been adding answers"):
        refuse_held(output)
    refuse_held(output)
    assert [path.name for path in output.parent.iterdir()] == [".told.csv.lock"]


def test_a_look_leaves_no_trace(tmp_path):
    refuse_held(tmp_path / "told.csv")
    assert list(tmp_path.iterdir()) == []
