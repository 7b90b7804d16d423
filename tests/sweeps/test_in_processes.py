"""Runs of a sweep in processes of their own; a few lines of Python stand in for `mlff train`."""

import json
import sys
import time

import pytest
from configs_for_tests import small_config

from mlff_cli.sweeps import in_processes
from mlff_cli.sweeps.in_processes import features_read
from mlff_cli.sweeps.notes import Notes
from mlff_cli.sweeps.plan import Plan, PlannedRun
from mlff_cli.system.interruption import Terminated

SCRIPT = """
import os, signal, sys, time, pathlib
act, path = sys.argv[1:3]
(pathlib.Path(path).parent / f"{time.time():.6f}-begins").touch()
if act == "die": os.kill(os.getpid(), signal.SIGKILL)
if act == "fail": sys.exit("some words\\nmlff: the images are bad")
time.sleep(30 if act == "hang" else 0.3)
(pathlib.Path(path).parent / f"{time.time():.6f}-ends").touch()
"""


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """Return a function of acts, one for each run, that carries them out two at a time."""
    monkeypatch.setattr(in_processes, "COMMAND", (sys.executable, "-c", SCRIPT))
    monkeypatch.setattr(in_processes, "PAUSE", 0.02)

    def carry_out(*acts, method="finetune"):
        runs = []
        for seed, act in enumerate(acts):
            config = small_config(tmp_path, method=method, keys={"seed": seed})
            (tmp_path / str(seed)).mkdir(exist_ok=True)
            runs.append(PlannedRun((act, str(tmp_path / str(seed) / "x")), config))
        plan = Plan(tmp_path, tuple(runs), 2, "basic", "means", (), ())
        notes = Notes(tmp_path)
        notes.begin(runs)
        in_processes.run_in_processes(plan, notes)
        return runs

    return carry_out


def notes(tmp_path):
    files = (tmp_path / "jobs").glob("*.json")
    found = [json.loads(file.read_text()) for file in files]
    return [note["error"] for note in sorted(found, key=lambda note: note["words"][1])]


def moments(tmp_path, kind):
    return [
        float(next((tmp_path / str(seed)).glob(f"*-{kind}")).name.partition("-")[0])
        for seed in range(len(notes(tmp_path)))
    ]


def test_a_run_that_is_killed_or_fails_takes_no_other_with_it(sweep, tmp_path, capfd):
    sweep("go", "die", "fail", "go", "go")
    killed, failed = "was killed by signal 9", "the images are bad"
    assert notes(tmp_path) == [None, killed, failed, None, None]
    assert killed in capfd.readouterr().err


def test_two_at_a_time(sweep, tmp_path):
    sweep("go", "go", "go")
    begun, ended = moments(tmp_path, "begins"), moments(tmp_path, "ends")
    assert begun[1] < ended[0] and begun[2] >= min(ended[:2])


def test_the_first_that_computes_features_goes_ahead_of_those_that_read_them(sweep, tmp_path):
    sweep("go", "go", "go", method="mlff")
    begun, ended = moments(tmp_path, "begins"), moments(tmp_path, "ends")
    assert begun[1] >= ended[0] and begun[2] < ended[1]


def test_finished_runs_are_not_begun(sweep, tmp_path):
    runs = sweep("go", "fail")
    done = runs[0].folder.path / "DONE"
    done.parent.mkdir(parents=True)
    done.touch()
    for file in tmp_path.glob("[01]/*"):
        file.unlink()
    sweep("go", "go")
    assert notes(tmp_path) == [None, None]
    assert not list((tmp_path / "0").iterdir()) and list((tmp_path / "1").iterdir())


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, Terminated])
def test_an_interrupted_sweep_ends_its_runs(sweep, tmp_path, monkeypatch, interruption):
    looks = []

    def look(_):
        looks.append(1)
        if len(looks) == 30:
            raise interruption

    monkeypatch.setattr(in_processes.time, "sleep", look)
    monkeypatch.setattr(in_processes, "PAUSE", 0)
    started = time.monotonic()
    with pytest.raises(interruption):
        sweep("hang", "hang", "go")
    assert time.monotonic() - started < 10
    interrupted = "was killed or interrupted"
    assert notes(tmp_path) == [interrupted, interrupted, "was not begun"]


@pytest.mark.parametrize(
    ("method", "keys", "reads"),
    [("mlff", {}, True), ("joint", {}, True), ("finetune", {}, False),
     ("mlff", {"features.store": False}, False)],
)  # fmt: skip
def test_which_runs_read_stored_features(tmp_path, method, keys, reads):
    def run(**more):
        return PlannedRun((), small_config(tmp_path, method=method, keys={**keys, **more}))

    assert (features_read(run()) is not None) is reads
    assert features_read(run()) == features_read(run(seed=7))
    if reads:
        assert features_read(run()) != features_read(run(**{"data.image_size": 48}))
