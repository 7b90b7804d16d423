"""Who holds a run folder: one process at a time, and none that is dead."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlff_cli.errors import UserError
from mlff_cli.runs.folder import RunFolder

HOLD = """
import os, sys, time
from pathlib import Path
from mlff_cli.runs.folder import RunFolder
with RunFolder(Path(sys.argv[1])).lock.held():
    if os.fork() == 0:
        time.sleep(float(sys.argv[2]))  # as a process that decodes images would go on
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


def held(folder: Path, lingering: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(lingering)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_holder_is_named(tmp_path):
    holder = held(tmp_path / "run", 0.0)
    started = time.monotonic()
    with (
        pytest.raises(UserError, match=f"process {holder.pid} on .* since 20"),
        RunFolder(tmp_path / "run").lock.held(),
    ):
        pytest.fail("two processes hold the folder")
    assert time.monotonic() - started < 5
    holder.kill()
    holder.communicate()


def test_a_killed_process_does_not_block_the_next(tmp_path):
    holder = held(tmp_path / "run", 2.0)
    (tmp_path / "run" / "state").mkdir()
    (tmp_path / "run" / "state" / ".experiences.checkpoint.1.tmp").write_text("half")
    holder.kill()
    holder.wait()
    with RunFolder(tmp_path / "run").lock.held():
        note = json.loads((tmp_path / "run" / ".running").read_text())
        assert note["process"] == os.getpid()
        assert not list((tmp_path / "run").rglob("*.tmp"))
    assert not (tmp_path / "run" / ".running").exists()


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/run: cannot be written .*paths\.runs"):
        RunFolder(tmp_path / "file" / "run").lock.held().__enter__()
