"""A few kills by scripts/chaos.py; the script itself, given a number, does any number of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SUBJECTS = [("train mlff", "3"), ("train from", "2"), ("predict --watch", "2")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
@pytest.mark.parametrize(("subject", "kills"), SUBJECTS)
def test_killed_runs_give_the_same_results(subject, kills):
    words = ["--kills", kills, "--seed", "1", "--only", subject]
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "chaos.py"), *words],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"kills survived: {kills} of {kills}"
