"""Composition through Hydra: every shipped choice, and a user's own."""

import pytest
from command_calls import call, refusal
from hydra import compose, initialize_config_dir

from mlff_cli.config.composition import plain_config, register_resolvers, sweep_name
from mlff_cli.config.shipped import SECTION_OF, choices, configs_folder, default_choices, groups


@pytest.fixture(scope="module")
def composed():
    """Composes a command's config as the command line does, and holds it to the schema."""
    register_resolvers()
    with initialize_config_dir(str(configs_folder()), version_base="1.3"):
        yield lambda command, *words: plain_config(compose(command, overrides=list(words)), command)


def is_named(choice, name):
    """Whether a choice has its own name, or varies the one whose name it begins with."""
    return name == choice or choice.startswith(f"{name}_")


@pytest.mark.parametrize(
    ("group", "choice"), [(group, choice) for group in groups() for choice in choices(group)]
)
def test_every_choice_composes(composed, group, choice):
    config = composed("train", f"{group}={choice}")
    section = SECTION_OF.get(group, group)
    named = config[section].get("name", choice) if section in config else choice
    assert is_named(choice, named)
    assert config["task"]["name"] in choices("task")


@pytest.mark.parametrize("task", choices("task"))
@pytest.mark.parametrize("method", choices("method"))
def test_every_task_composes_with_every_method(composed, task, method):
    config = composed("train", f"task={task}", f"method={method}", "seed=3")
    assert is_named(method, config["method"]["name"])
    assert (config["task"]["name"], config["seed"]) == (task, 3)


@pytest.mark.parametrize("command", ["evaluate", "verify"])
def test_the_commands_on_a_run_compose(composed, command):
    assert composed(command, "run=x")["run"] == "x"
    assert "data" not in composed("evaluate", "run=x")


@pytest.mark.parametrize("choice", choices("dataset"))
def test_evaluate_composes_with_every_dataset(composed, choice):
    assert composed("evaluate", "run=x", f"dataset={choice}")["data"]["name"] in choices("dataset")


def test_report_composes(composed):
    assert composed("report", "runs=[a,b]")["runs"] == ["a", "b"]


def test_baselines_read_the_deepest_level_unless_told_otherwise(composed):
    assert composed("train", "method=finetune")["fusion"]["name"] == "deepest"
    assert composed("train", "method=finetune", "fusion=conv1x1")["fusion"]["name"] == "conv1x1"
    assert composed("train", "method=joint")["fusion"]["name"] == default_choices("train")["fusion"]


def test_features_go_to_the_users_cache(composed, monkeypatch):
    monkeypatch.setenv("MLFF_CACHE", "/somewhere")
    assert composed("train")["paths"]["features"] == "/somewhere/features"
    monkeypatch.delenv("MLFF_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert composed("train")["paths"]["features"] == "/elsewhere/mlff/features"


def test_a_sweep_has_a_name_of_its_own_whatever_the_order_of_its_words():
    assert sweep_name(["seed=0,1", "method=mlff"]) == sweep_name(["method=mlff", "seed=0,1"])
    assert sweep_name(["seed=0,1"]) != sweep_name(["seed=0,2"])


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


def test_hydras_flags_work_with_every_command(own):
    assert "hydra:" in call("train", "--cfg", "hydra").out
    assert "fusion" in call("train", "--info", "defaults-tree").out
    assert call("train", "--cfg", "job", "--package", "splits").out.startswith("# @package splits")
    assert "run: x" in call("evaluate", "x", "--cfg", "job").out
    assert "runs:\n- a\n- b" in call("report", "a", "b", "--cfg", "job").out
