"""``mlff sweep``: one table over runs, that survive each other and interruptions."""

import csv
import shutil
import signal
import time

import pytest
from command_calls import TINY, call, start

from mlff_cli.results.cells import DEVIATION

SWEEP = ("sweep", *TINY, "method=mlff,linear_probe", "seed=0,1")


@pytest.fixture(scope="module")
def swept(tmp_path_factory, cache):
    """The folder that a sweep was started in, and what it said."""
    folder = tmp_path_factory.mktemp("a sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, call(*SWEEP)


def table(folder):
    (path,) = (folder / "runs" / "sweeps").glob("*/results.csv")
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_sweep_ends_in_a_table_of_means_and_deviations(swept):
    folder, result = swept
    assert result.code == 0, result.err
    rows = table(folder)
    assert [(row["method"], row["seeds"]) for row in rows] == [("linear_probe", "2"), ("mlff", "2")]
    for row in rows:
        assert 0 <= float(row["final mAP"]) <= 1
        assert float(row["final mAP" + DEVIATION]) >= 0
    assert "±" in result.out and "4 runs" in result.out
    assert [path.name for path in folder.iterdir()] == ["runs"]
    sweep = next((folder / "runs" / "sweeps").iterdir())
    assert {"results.md", "results.csv", "runs.csv", "comparison.png"} <= {
        path.name for path in sweep.iterdir()
    }
    assert (sweep / "results.md").read_text().startswith("    mlff sweep data.image_size=32 ")


def test_the_same_sweep_again_repeats_no_run(swept, monkeypatch):
    folder, _ = swept
    monkeypatch.chdir(folder)
    done = {path: path.stat().st_mtime_ns for path in folder.rglob("matrix.csv")}
    assert len(done) == 4
    result = call(*SWEEP[:-2], "seed=0,1", "method=mlff,linear_probe")
    assert result.code == 0
    assert result.out.count("finished before, not repeated") == 4
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("matrix.csv")} == done
    assert len(list((folder / "runs" / "sweeps").iterdir())) == 1


def test_runs_of_a_sweep_are_those_of_train(swept, monkeypatch):
    folder, _ = swept
    monkeypatch.chdir(folder)
    result = call("train", *TINY, "method=linear_probe", "seed=1")
    assert "finished before, not repeated" in result.out


def test_more_at_a_time_or_elsewhere_is_the_same_sweep(swept, monkeypatch):
    folder, _ = swept
    monkeypatch.chdir(folder)
    result = call(*SWEEP, "trainer.processes=2", "trainer.checkpoint_every=3")
    assert result.code == 0
    assert result.out.count("finished before, not repeated") == 4
    assert [row["seeds"] for row in table(folder)] == ["2", "2"]


def test_a_failed_run_is_named_in_the_table_and_takes_no_other_with_it(empty):
    words = ("sweep", *TINY, "trainer.processes=1", "fusion=authors", "fusion.width=2,8")
    for attempt in ("first", "again"):
        result = call(*words)
        assert result.code == 1, attempt
        good, failed = table(empty)
        assert (good["fusion.width"], good["error"]) == ("8", "")
        assert failed["fusion.width"] == "2"
        assert "fusion.width: 2 channels cannot be shared" in failed["error"]
        assert "this run failed: fusion.width" in result.err
        assert "failed: " in result.out
    assert result.out.count("finished before") == 1


def test_an_unforeseen_error_of_one_run_is_no_end_of_the_others(empty, monkeypatch):
    from mlff_cli.runs import execution

    real = execution.build_method

    def breaking(config, listing):
        if config["seed"] == 0:
            raise ZeroDivisionError("on purpose")
        return real(config, listing)

    monkeypatch.setattr(execution, "build_method", breaking)
    assert call("sweep", *TINY, "trainer.processes=1", "seed=0,1").code == 1
    good, failed = table(empty)
    assert (good["seeds"], failed["seed"]) == ("1", "0")
    assert "on purpose" in failed["error"]


def test_ctrl_c_leaves_with_130_and_the_same_sweep_goes_on(swept, tmp_path):
    whole, _ = swept
    folder = tmp_path / "interrupted"
    folder.mkdir()
    # The first run is there, so that the sweep is known to be under way when it is interrupted.
    first = next((whole / "runs" / "surface_defect").glob("mlff-*"))
    shutil.copytree(first, folder / "runs" / "surface_defect" / first.name)
    process = start(*SWEEP, folder=folder)
    assert process.stdout is not None
    while "finished before" not in (line := process.stdout.readline()):
        assert line or process.poll() is None, process.communicate()
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the same command resumes" in err and "Traceback" not in err
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = call(*SWEEP)
    assert result.code == 0, result.err
    assert "finished before, not repeated" in result.out
    for path in whole.glob("runs/surface_defect/*/matrix.csv"):
        again = folder / path.relative_to(whole)
        assert again.read_bytes() == path.read_bytes()
