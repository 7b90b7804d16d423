"""Runs of a sweep in several processes; a few lines of Python stand in for `mlff train`."""

import json
import time

import psutil
import pytest
from configs_for_tests import small_config
from standing_in import train

from mlff_cli.sweeps import in_processes
from mlff_cli.sweeps.in_processes import run_in_processes
from mlff_cli.sweeps.notes import Notes
from mlff_cli.sweeps.plan import Plan, PlannedRun
from mlff_cli.system.interruption import Terminated


@pytest.fixture
def sweep(tmp_path):
    """Return a function of acts, one for each run, that carries them out two at a time."""

    def carry_out(*acts, methods=("mlff",), asked=2):
        (tmp_path / "runs").mkdir(exist_ok=True)
        (tmp_path / "runs" / "acts.json").write_text(json.dumps(acts))
        runs = []
        for seed in range(len(acts)):
            method, keys = methods[seed % len(methods)], {"seed": seed}
            config = small_config(tmp_path, method=method, keys=keys)
            runs.append(PlannedRun((f"seed={seed}",), config))
        plan = Plan(tmp_path, tuple(runs), asked, "basic", "means", (), ())
        notes = Notes(tmp_path)
        notes.begin(runs)
        run_in_processes(plan, notes, train, 2)
        return runs

    return carry_out


def notes(tmp_path):
    files = (tmp_path / "jobs").glob("*.json")
    found = [json.loads(file.read_text()) for file in files]
    return [note["error"] for note in sorted(found, key=lambda note: note["words"])]


def moments(tmp_path, kind):
    return [
        float((tmp_path / "runs" / f"{seed}-{kind}").read_text())
        for seed in range(len(notes(tmp_path)))
    ]


def left_over():
    """Return which processes that a sweep started are still there."""
    there = psutil.Process().children(recursive=True)
    return [process for process in there if "spawn_main" in " ".join(process.cmdline())]


def test_a_run_that_is_killed_or_fails_takes_no_other_with_it(sweep, tmp_path, capfd):
    sweep("go", "die", "fail", "go", "go")
    killed, failed = "was killed by signal 9", "the images are bad"
    assert notes(tmp_path) == [None, killed, failed, None, None]
    said = capfd.readouterr()
    assert killed in said.err and "some words" not in said.out
    logs = [log.read_text() for log in (tmp_path / "jobs").glob("*.log")]
    assert all("some words" in log for log in logs) and len(logs) == 5
    assert sum(failed in log for log in logs) == 1
    assert not left_over()


def test_the_first_that_computes_features_goes_ahead_of_those_that_read_them(sweep, tmp_path):
    sweep("go", "go", "go", "go")
    begun, ended = moments(tmp_path, "begins"), moments(tmp_path, "ends")
    assert begun[1] >= ended[0], "they would compute the same"
    assert begun[2] < ended[1], "two at a time"
    assert begun[3] >= min(ended[1:3]), "not three"


@pytest.mark.parametrize(("asked", "beside"), [(0, False), (2, True)])
def test_what_trains_a_backbone_runs_alone_unless_so_many_are_asked_for(
    sweep, tmp_path, asked, beside
):
    sweep("go", "go", "go", methods=("finetune", "finetune", "mlff"), asked=asked)
    begun, ended = moments(tmp_path, "begins"), moments(tmp_path, "ends")
    assert (begun[1] < ended[0]) is beside


def test_finished_runs_are_not_begun(sweep, tmp_path, capsys):
    runs = sweep("go", "fail")
    done = runs[0].folder.path / "DONE"
    done.parent.mkdir(parents=True)
    done.touch()
    before = moments(tmp_path, "begins")
    sweep("fail", "go")
    assert notes(tmp_path) == [None, None]
    after = moments(tmp_path, "begins")
    assert after[0] == before[0] and after[1] > before[1]
    assert "finished before, not repeated" in capsys.readouterr().out


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, Terminated])
def test_an_interrupted_sweep_ends_its_runs(sweep, tmp_path, monkeypatch, interruption):
    interrupted_at = []

    def look(_):
        hanging = [tmp_path / "runs" / f"{seed}-begins" for seed in (0, 1)]
        while not all(mark.exists() for mark in hanging):
            time.sleep(0.02)
        interrupted_at.append(time.monotonic())
        raise interruption

    monkeypatch.setattr(in_processes, "ended", look)
    with pytest.raises(interruption):
        sweep("hang", "hang", "go", methods=("finetune",))
    assert time.monotonic() - interrupted_at[0] < 10
    interrupted = "was killed or interrupted"
    assert notes(tmp_path) == [interrupted, interrupted, "was not begun"]
    assert (tmp_path / "runs" / "1-ends").exists()
    assert not left_over()
