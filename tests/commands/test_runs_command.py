"""``mlff runs``: the runs there are, newest first."""

import shutil

import pytest
from command_calls import TINY, call, imported, refusal

from mlff_cli.methods.mlff import MultiLevelFeatureFusion


@pytest.fixture
def runs(run_folder, empty):
    """Two copies of the shared run: one finished, and one that broke off later."""
    for name in ("mlff-whole", "mlff-begun"):
        shutil.copytree(run_folder, empty / "runs" / "surface_defect" / name)
    (empty / "runs" / "surface_defect" / "mlff-begun" / "DONE").unlink()
    return empty / "runs"


def lines(out):
    return [line for line in out.splitlines() if line.startswith("│")]


def test_each_run_has_a_line_newest_first(runs):
    result = call("runs")
    assert result.code == 0, result.err
    first, second = lines(result.out)
    assert "broken off" in first and "mlff-begun" in first and "%" not in first
    assert "finished" in second and "mlff-whole" in second and "%" in second
    assert "the same command resumes it" in result.out
    assert result.out.endswith("runs\n")


def test_words_choose_runs_by_their_names_and_states(runs):
    assert len(lines(call("runs", "surface_defect", "mlff").out)) == 2
    assert "mlff-begun" not in call("runs", "finished").out
    assert "mlff-whole" not in call("runs", "broken").out
    assert len(lines(call("runs", "0").out)) == 2
    assert "did you mean 'surface_defect'?" in refusal("runs", "surface_defct")
    assert "paths.runs=runs" in refusal("runs", "runs")


@pytest.mark.parametrize("word", ["running", "failed"])
def test_a_state_that_no_run_is_in_is_said_and_no_error(word, runs):
    result = call("runs", word)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"runs: none of 2 runs has all of: {word}\n"


def test_what_the_limit_hides_is_said(runs):
    result = call("runs", "limit=1")
    assert len(lines(result.out)) == 1
    assert "1 more; limit=0 shows all" in result.out
    assert len(lines(call("runs", "limit=0").out)) == 2
    assert "more" not in call("runs", "limit=2").out


def test_one_damaged_run_stops_nothing(runs):
    (runs / "surface_defect" / "mlff-whole" / "run.json").write_text("{}")
    (runs / "surface_defect" / "mlff-begun" / "config.yaml").write_text("a: [")
    result = call("runs")
    assert (result.code, result.err) == (0, "")
    assert len(lines(result.out)) == 2
    assert "run.json" in result.out and "config.yaml" in result.out
    assert "remove its folder" in result.out


def test_folders_of_reports_sweeps_and_checks_are_no_runs(runs):
    assert call("report", "runs").code == 0
    words = [word for word in TINY if not word.startswith("method.")]
    assert call("sweep", *words, "method=closed_form", "seed=0,1", "trainer.processes=1").code == 0
    assert call("data", "check", *words).code in (0, 1)
    made = {path.name.partition("-")[0] for path in [*runs.iterdir(), *runs.glob("*/*")]}
    assert {"reports", "sweeps", "data"} <= made
    assert len(lines(call("runs").out)) == 4


def test_nothing_there_is_one_clear_message(empty):
    for words in ([], ["limit=1"], ["paths.runs=nowhere"]):
        result = call("runs", *words)
        assert (result.code, result.err) == (0, "")
        assert "no run is here yet" in result.out and len(result.out.splitlines()) == 1


def test_another_folder_is_looked_at_and_shown_runs_can_be_named(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call("runs", f"paths.runs={runs}", "whole")
    assert "surface_defect/mlff-whole" in result.out
    assert result.out.endswith(f"{runs}\n")


def test_nothing_heavy_is_imported(runs):
    result, modules = imported("runs", folder=runs.parent)
    assert result.code == 0
    assert "finished" in result.out
    heavy = {"torch", "torchvision", "timm", "pandas", "sklearn", "matplotlib", "scipy", "PIL"}
    assert not modules & heavy


def test_a_run_that_fails_is_told_apart_from_one_that_broke_off(empty, monkeypatch):
    def fail(self, step, journal):
        raise RuntimeError("no luck")

    monkeypatch.setattr(MultiLevelFeatureFusion, "learn", fail)
    assert call("train", *TINY).code == 1
    result = call("runs")
    assert "failed" in lines(result.out)[0] and "RuntimeError: no luck" in result.out
    monkeypatch.undo()
    monkeypatch.chdir(empty)
    assert call("train", *TINY).code == 0
    assert "finished" in lines(call("runs").out)[0]
    (folder,) = (empty / "runs" / "surface_defect").iterdir()
    assert not (folder / "FAILED").exists()
