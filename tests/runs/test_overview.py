"""A line for each run, whatever became of it."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from configs_for_tests import small_config
from run_samples import FACTS, RECORD

from mlff_cli.errors import UserError
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.runs.finding import all_runs
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.overview import having, overview, scored, table


@pytest.fixture
def begun(tmp_path):
    """Makes a run that has begun: its folder holds a config."""

    def make(name="run", **choices):
        folder = RunFolder(tmp_path / "runs" / "small" / name)
        folder.write_config(small_config(tmp_path, **choices))
        return folder

    return make


@pytest.fixture
def finished(begun):
    """Makes a finished run."""

    def make(name="run", seed=0, day=1, metric="mAP", **choices):
        folder = begun(name, keys={"seed": seed}, **choices)
        matrix = ScoreMatrix(["a", "b"], 2)
        for trained, shown in ((1, 1), (2, 1), (2, 2)):
            matrix.add(trained, shown, metric, value=0.5, n=4)
        matrix.to_csv(folder.path / "matrix.csv")
        facts = replace(FACTS, seed=seed, method=choices.get("method", "mlff"))
        folder.finish(replace(RECORD, facts=facts, finished=f"2026-01-{day:02}T10:00:00+00:00"))
        return folder

    return make


def test_a_finished_run_is_told_by_its_record(finished):
    run = overview(finished(seed=3, day=7))
    assert (run.state, run.task, run.method, run.seed) == ("finished", "small", "mlff", "3")
    assert run.date == datetime(2026, 1, 7, 10, tzinfo=UTC)


def test_an_unfinished_run_is_told_by_its_config(begun):
    run = overview(begun(method="joint", keys={"seed": 5}))
    assert (run.state, run.task, run.method, run.seed) == ("broken off", "small", "joint", "5")
    assert (datetime.now(UTC) - run.date).total_seconds() < 100


def test_a_run_is_running_while_it_is_held_and_broken_off_after(begun):
    folder = begun()
    with folder.lock.held():
        run = overview(folder)
        assert run.state == "running" and str(os.getpid()) in run.remark
    assert overview(folder).state == "broken off"


def test_a_number_of_a_process_that_another_one_has_now_is_no_holder(begun):
    folder = begun()
    with folder.lock.held():
        note = (folder.path / ".running").read_text()
    (folder.path / ".running").write_text(note)  # this process lives, and holds nothing
    assert overview(folder).state == "broken off"
    (folder.path / ".running").write_text(json.dumps(json.loads(note) | {"process": 2**22 + 1}))
    assert overview(folder).state == "broken off"


def test_a_run_that_failed_says_why_until_it_is_begun_again(begun):
    folder = begun()
    with pytest.raises(UserError), folder.lock.held(), folder.noting_failure():
        raise UserError("the loss became nan")
    run = overview(folder)
    assert (run.state, run.remark) == ("failed", "the loss became nan")
    with folder.lock.held(), folder.noting_failure():
        assert overview(folder).state == "running"
    assert overview(folder).state == "broken off"


def test_an_interrupted_run_has_not_failed(begun):
    folder = begun()
    with pytest.raises(KeyboardInterrupt), folder.lock.held(), folder.noting_failure():
        raise KeyboardInterrupt
    assert overview(folder).state == "broken off"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", b"{}"),
        ("run.json", b"\xff"),
        ("run.json", None),
        ("matrix.csv", b"experience,value\n1,0.5\n"),
        ("matrix.csv", b"experience_trained,experience_scored,metric,value,n\n1,1,gone,0.5,2\n"),
        ("matrix.csv", None),
    ],
)
def test_a_damaged_run_is_listed_with_its_file_and_what_to_do(file, content, finished, tmp_path):
    whole, folder = finished("whole"), finished("damaged")
    (folder.path / file).unlink()
    if content is not None:
        (folder.path / file).write_bytes(content)
    runs = [scored(overview(folder)) for folder in (whole, folder)]
    assert [run.state for run in runs] == ["finished", "damaged"]
    made = table(runs, tmp_path / "runs")
    assert any("small/damaged" in note and file in note for note in made.notes)
    assert any("remove its folder" in note for note in made.notes)


@pytest.mark.parametrize("text", ["", "a: [", "seed: 0", "fusion: 3"])
def test_a_damaged_config_is_told_too(text, begun):
    folder = begun()
    (folder.path / "config.yaml").write_text(text)
    run = overview(folder)
    assert run.state == "damaged" and run.remark


def test_a_finish_time_that_is_none_is_damage(finished):
    folder = finished()
    text = (folder.path / "run.json").read_text()
    (folder.path / "run.json").write_text(text.replace("2026-01-01T10:00:00+00:00", "yesterday"))
    assert overview(folder).state == "damaged"


def test_words_are_whole_names_before_they_are_parts(finished, begun):
    finished("mlff-1")
    finished("joint-2", method="joint", seed=1)
    finished("mlff_linear-3", method="mlff_linear", seed=12)
    last = begun("mlff-4", keys={"seed": 21})
    runs = [overview(folder) for folder in all_runs([last.path.parents[1]])]

    def found(word):
        return sorted(run.folder.path.name for run in having(runs, word))

    assert found("mlff") == ["mlff-1", "mlff-4"]
    assert found("linear") == ["mlff_linear-3"]
    assert found("1") == ["joint-2"]
    assert found("broken") == ["mlff-4"]
    assert found("joint-2") == ["joint-2"]
    assert len(found("small")) == 4
    assert found("other") == []


def test_figures_are_those_of_the_metrics_that_the_runs_have(finished, tmp_path):
    runs = [scored(overview(finished("a", metric="mae"))), scored(overview(finished("b")))]
    titles = [column.title for column in table(runs, tmp_path).columns]
    assert {"learning mae", "final mae", "learning mAP", "final mAP"} < set(titles)
    assert "learning accuracy" not in titles and "unseen mAP" not in titles
