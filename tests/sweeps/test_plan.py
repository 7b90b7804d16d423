"""The plan of a sweep: which runs it has, and what it is called."""

import pytest
from command_calls import TINY

from mlff_cli.config.composition import compose_config
from mlff_cli.errors import UserError
from mlff_cli.sweeps.plan import PlannedRun, first_words, plan


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """Planning leaves nothing behind."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob("runs"))


def test_every_combination_is_a_run_with_the_config_that_train_would_have():
    found = plan([*TINY, "method=mlff,linear_probe", "seed=0,1"])
    made = [(run.config["method"]["name"], run.config["seed"]) for run in found.runs]
    assert made == [("mlff", 0), ("mlff", 1), ("linear_probe", 0), ("linear_probe", 1)]
    for run in found.runs:
        assert compose_config("train", run.words) == run.config
    assert (found.processes, found.launcher, found.table) == (0, "basic", "means")


def test_without_several_values_there_is_one_run():
    (run,) = plan(["seed=3"]).runs
    assert run.config["seed"] == 3
    assert run.title == "surface_defect, mlff, seed 3"


def test_the_same_runs_have_the_same_folder_whatever_the_words():
    folder = plan(["seed=0,1", "method=mlff,joint"]).folder
    assert folder.parent.as_posix() == "runs/sweeps"
    assert plan(["method=joint,mlff", "seed=1,0"]).folder == folder
    assert plan(["method=joint,mlff", "seed=range(0,2)"]).folder == folder
    assert plan(["seed=0,1", "method=mlff,joint", "trainer.processes=2"]).folder == folder
    assert plan(["seed=0,2", "method=mlff,joint"]).folder != folder
    moved = plan(["seed=0,1", "method=mlff,joint", "paths.runs=there"]).folder
    assert moved.as_posix() == f"there/sweeps/{folder.name}"


def test_sweeps_may_go_elsewhere():
    assert plan(["seed=0", "hydra.sweep.dir=there"]).folder.parent.as_posix() == "there"


def test_runs_that_differ_in_nothing_that_changes_a_result_are_one():
    assert len(plan(["seed=0,0", "trainer.workers=0,1"]).runs) == 1
    assert len(plan(["seed=0,1", "trainer.workers=0,1"]).runs) == 2


def test_two_folders_of_images_are_two_runs():
    found = plan(["task=custom", "data.root=/a,/b"])
    assert [run.keys["data.root"] for run in found.runs] == ["/a", "/b"]
    assert len({run.name for run in found.runs}) == 2


def test_the_keys_of_a_run_leave_out_what_changes_no_result():
    (run,) = plan(["seed=0"]).runs
    assert {"seed", "method.epochs", "trainer.device"} <= run.keys.keys()
    left_out = {"table", "paths.runs", "trainer.workers", "trainer.processes"}
    assert not run.keys.keys() & left_out


def test_an_experiment_varies_keys_and_the_words_count_more():
    found = plan(["experiment=paper_table", "task=cross_product", "seed=5", "method=mlff,joint"])
    assert [(run.config["method"]["name"], run.config["seed"]) for run in found.runs] == [
        ("mlff", 5),
        ("joint", 5),
    ]
    assert found.table == "paper"
    assert len(plan(["experiment=paper_table"]).runs) == 5 * 4 * 3


def test_an_experiment_of_the_users_own(tmp_path):
    file = tmp_path / "mine" / "experiment" / "two.yaml"
    file.parent.mkdir(parents=True)
    params = "params: {seed: '0,1', paths.runs: /a b/(c)}"
    file.write_text(f"# @package _global_\nhydra:\n  sweeper:\n    {params}\n")
    found = plan(["experiment=two"], [tmp_path / "mine"])
    assert [run.config["seed"] for run in found.runs] == [0, 1]
    assert found.folder.parent.as_posix() == "/a b/(c)/sweeps"
    assert {run.config["paths"]["runs"] for run in found.runs} == {"/a b/(c)"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["seed=0,1", "method.epochs=1,many"], "method.epochs: expected a whole number"),
        (["seed=0,1,-1"], "seed: expected at least 0"),
        (["fusion=conv1x1,authors", "fusion.pooling=[mean]"], "it belongs to fusion=conv1x1"),
        (["method=mlff,finetun"], "did you mean 'finetune'"),
        (["seed=interval(0,1)"], "seed: give its values one by one"),
        (["mlff,joint"], "cannot read"),
    ],
)
def test_a_wrong_value_anywhere_is_refused_before_any_run(words, said):
    with pytest.raises(UserError, match=said):
        plan(words)


def test_the_first_words_are_those_of_the_first_run():
    words = ["experiment=paper_table", "task=cross_product", "seed=7,8"]
    assert first_words(words) == list(plan(words).runs[0].words)


def test_a_name_depends_on_the_config_alone():
    config = compose_config("train", ["seed=1"])
    assert PlannedRun((), config).name == PlannedRun(("seed=1",), config).name
