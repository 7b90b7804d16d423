"""Composition through Hydra: every shipped choice, and a user's own."""

import sys

import pytest
from command_calls import call, refusal
from platformdirs import user_cache_dir

from mlff_cli.config.composition import Composer, compose_config, user_cache
from mlff_cli.config.shipped import SECTION_OF, choices, default_choices, groups
from mlff_cli.errors import UserError


def composed(command, *words):
    return compose_config(command, words)


def is_named(choice, name):
    """Whether a choice has its own name, or varies the one whose name it begins with."""
    return name == choice or choice.startswith(f"{name}_")


@pytest.mark.parametrize(
    ("group", "choice"), [(group, choice) for group in groups() for choice in choices(group)]
)
def test_every_choice_composes(group, choice):
    config = composed("train", f"{group}={choice}")
    section = SECTION_OF.get(group, group)
    named = config[section].get("name", choice) if section in config else choice
    assert is_named(choice, named)
    assert config["task"]["name"] in choices("task")


@pytest.mark.parametrize("task", choices("task"))
@pytest.mark.parametrize("method", choices("method"))
def test_every_task_composes_with_every_method(task, method):
    config = composed("train", f"task={task}", f"method={method}", "seed=3")
    assert is_named(method, config["method"]["name"])
    assert (config["task"]["name"], config["seed"]) == (task, 3)


@pytest.mark.parametrize("command", ["evaluate", "verify"])
def test_the_commands_on_a_run_compose(command):
    assert composed(command, "run=x")["run"] == "x"
    assert composed(command, "run=x", "data.root=there")["data"]["root"] == "there"


@pytest.mark.parametrize("choice", choices("dataset"))
def test_evaluate_composes_with_every_dataset(choice):
    assert composed("evaluate", "run=x", f"dataset={choice}")["data"]["name"] in choices("dataset")


def test_report_composes():
    assert composed("report", "runs=[a,b]")["runs"] == ["a", "b"]


def test_baselines_read_the_deepest_level_unless_told_otherwise():
    assert composed("train", "method=finetune")["fusion"]["name"] == "deepest"
    assert composed("train", "method=finetune", "fusion=conv1x1")["fusion"]["name"] == "conv1x1"
    assert composed("train", "method=joint")["fusion"]["name"] == default_choices("train")["fusion"]


def test_features_go_to_the_users_cache(monkeypatch):
    monkeypatch.setenv("MLFF_CACHE", "/somewhere")
    assert composed("train")["paths"]["features"] == "/somewhere/features"
    monkeypatch.delenv("MLFF_CACHE")
    assert composed("train")["paths"]["features"] == f"{user_cache_dir('mlff', False)}/features"


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms have other customs")
def test_the_users_cache_is_where_the_platform_has_it(monkeypatch):
    monkeypatch.delenv("MLFF_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert user_cache() == "/elsewhere/mlff"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of a user's own configs beside an empty one to be in."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    folder = tmp_path / "my configs"

    def write(path, text):
        file = folder / f"{path}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return f"--config-dir={folder}"

    yield write
    assert list(work.iterdir()) == []


def test_a_users_own_choice_varies_a_shipped_one(own):
    flag = own("fusion/narrow", "defaults: [conv1x1]\nwidth: 24\n")
    result = call("train", flag, "fusion=narrow", "--cfg", "job")
    assert result.code == 0
    assert "fusion:\n  name: conv1x1\n  width: 24\n  pooling:" in result.out


def test_a_users_own_choice_may_be_written_out(own):
    text = "name: conv1x1\nwidth: 24\npooling: [max]\n"
    flag = own("fusion/narrow", text)
    assert "width: 24" in call("train", flag, "fusion=narrow", "--cfg=job").out
    assert "missing: seed" not in call("train", flag, "fusion=narrow", "--cfg=job").out


def test_a_users_own_choice_is_held_to_the_schema(own):
    flag = own("fusion/narrow", "name: conv1x1\nwidth: 24\n")
    said = refusal("train", flag, "fusion=narrow")
    assert "'fusion.pooling' is missing" in said and "defaults: [conv1x1]" in said
    own("fusion/narrow", "name: narrow\nwidth: 24\n")
    assert "fusion.name: 'narrow' is no fusion" in refusal("train", flag, "fusion=narrow")
    own("fusion/narrow", "defaults: [conv1x1]\nwidth: wide\n")
    assert "fusion.width: expected a whole number, found 'wide'" in refusal(
        "train", flag, "fusion=narrow"
    )
    assert "did you mean 'narrow'?" in refusal("train", flag, "fusion=narow")


EXPERIMENT = "# @package _global_\ndefaults:\n  - override /method: linear_probe\n\n"


def test_a_users_own_experiment_sets_choices_and_keys(own):
    flag = own("experiment/mine", EXPERIMENT + "seed: 7\nmethod:\n  epochs: 3\n")
    out = call("train", flag, "experiment=mine", "method.batch_size=8", "--cfg", "job").out
    assert "method:\n  name: linear_probe\n  epochs: 3\n  batch_size: 8\n" in out
    assert "seed: 7" in out and "fusion:\n  name: deepest" in out


@pytest.mark.parametrize("command", ["train", "sweep"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("method:\n  epoch: 3\n", "no key 'method.epoch'; did you mean 'method.epochs'?"),
        ("method:\n  epochs: three\n", "method.epochs: expected a whole number, found 'three'"),
        ("sed: 3\n", "no key 'sed'; did you mean 'seed'?"),
        ("splits: 3\n", "splits: expected keys and values, found 3"),
        ("fusion: narrow\n", "choose with fusion=..."),
    ],
)
def test_a_users_own_experiment_is_held_to_the_schema(own, command, text, said):
    flag = own("experiment/mine", EXPERIMENT + text)
    assert said in refusal(command, flag, "experiment=mine")


def test_the_values_that_an_experiment_sweeps_are_checked_before_any_run(own):
    sweep = "hydra:\n  sweeper:\n    params:\n      seed: 0,1\n      method.epochs: 1,many\n"
    flag = own("experiment/mine", "# @package _global_\n" + sweep)
    assert "method.epochs: expected a whole number, found 'many'" in refusal(
        "sweep", flag, "experiment=mine"
    )


def test_an_experiment_that_is_no_yaml_is_named(own):
    flag = own("experiment/mine", "seed: [\n")
    assert "mine.yaml, line 2: is no YAML" in refusal("train", flag, "experiment=mine")


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_cfg_prints_the_whole_config_and_runs_nothing(own, command):
    result = call(command, "task=solar_cells", "seed=3,4" if command == "sweep" else "seed=3",
                  "--cfg", "job")  # fmt: skip
    assert (result.code, result.err) == (0, "")
    for line in ("data:\n  name: elpv", "seed: 3", "  title: Solar cells", "  learning_rate: "):
        assert line in result.out


def test_cfg_shows_a_part_of_any_command_s_config(own):
    assert "hydra:" in call("train", "--cfg", "hydra").out
    assert "epochs:" not in call("train", "--cfg", "hydra").out
    everything = call("train", "-c", "all").out
    assert "hydra:" in everything and "epochs:" in everything
    assert call("train", "--cfg", "job", "--package", "splits").out.startswith("# @package splits")
    assert call("train", "--cfg", "job", "-p", "splits.test").out == "0.25\n"
    assert "seed: cannot be filled in" in refusal("train", "seed=${x}", "--cfg=job", "-p", "seed")
    assert "no 'split'" in refusal("train", "--cfg", "job", "-p", "split")
    assert "run: x" in call("evaluate", "x", "--cfg", "job").out
    assert "runs:\n- a\n- b" in call("report", "a", "b", "--cfg", "job").out


def test_cfg_fills_references_in_where_it_is_asked_to(own):
    words = ("train", "task=surface_defect_real", "paths.data=/x", "--cfg", "job", "-p")
    assert call(*words, "data.root").out == "/x\n"
    assert "root: ${paths.data}" in call(*words, "data").out
    assert "root: /x" in call(*words, "data", "--resolve").out
    hydras = call("train", "paths.runs=there", "--cfg", "hydra", "--resolve").out
    assert "dir: there/sweeps" in hydras
    unknown = ("train", "seed=${x}", "--cfg", "job", "--resolve")
    assert "seed: cannot be filled in" in refusal(*unknown)


def test_a_sweep_shows_its_first_run(own):
    out = call("sweep", "experiment=paper_table", "seed=7,8", "--cfg", "job").out
    assert "seed: 7" in out and "method:\n  name: finetune" in out


def test_several_folders_of_own_configs(own, tmp_path):
    flag = own("fusion/narrow", "defaults: [conv1x1]\nwidth: 24\n")
    other = tmp_path / "other,=[1]"
    (other / "head").mkdir(parents=True)
    (other / "head" / "deep.yaml").write_text("defaults: [classifier]\nhidden: 32\n")
    words = ("fusion=narrow", "head=deep", "--cfg=job")
    out = call("train", flag, "-cd", str(other), *words).out
    assert "width: 24" in out and "hidden: 32" in out


def test_a_composer_leaves_hydra_as_it_was():
    from hydra.core.global_hydra import GlobalHydra

    with Composer.opened("train") as composer:
        assert composer.checked(["seed=1"])["seed"] == 1
        assert composer.checked(["seed=2"])["seed"] == 2
    assert not GlobalHydra.instance().is_initialized()


def test_a_program_that_has_set_hydra_up_finds_it_as_it_was():
    import hydra
    from hydra import version
    from hydra.core.global_hydra import GlobalHydra

    with hydra.initialize(config_path=None, version_base="1.2"):
        before = GlobalHydra.instance().hydra, version.getbase()
        assert composed("train", "seed=3")["seed"] == 3
        with pytest.raises(UserError):
            composed("train", "seeds=3")
        assert (GlobalHydra.instance().hydra, version.getbase()) == before
    assert not GlobalHydra.instance().is_initialized()
