"""Every YAML file that is shipped: its name, its comment, its keys."""

import inspect

import pytest

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.cli.table import every_command
from mlff_cli.config.composition import compose_config
from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import (
    SECTION_OF,
    choices,
    configs_folder,
    default_choices,
    groups,
    key_comments,
    key_values,
    overridden_choices,
    shipped,
)
from mlff_cli.data.base import Dataset
from mlff_cli.errors import UserError
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.base import Head
from mlff_cli.methods.base import Method
from mlff_cli.runs.registry import implementation
from mlff_cli.tasks.task import make_task
from mlff_cli.trackers.base import Tracker

CONFIGS = {command.config for command in every_command().values()} - {None}
EVERY = [(group, choice) for group in groups() for choice in choices(group)]
VARIED = {
    "dataset/surfaces_good_defect": "surfaces",
    "fusion/conv1x1_grid": "conv1x1",
    "method/finetune_10_epochs": "finetune",
    "method/mlff_linear": "mlff",
}
"""Files that inherit another one's keys and name."""
WITHOUT_CLASS = {*VARIED, "tracker/none"}
NAMED = [pair for pair in EVERY if pair[0] not in ("task", "trainer", "paths", "experiment")]
CLASSES = {
    "dataset": ("data", Dataset, set()),
    "backbone": ("backbones", BackboneRecipe, {"image_size"}),
    "fusion": ("fusion", FusionLayer, {"levels"}),
    "head": ("heads", Head, {"width", "outputs"}),
    "method": ("methods", Method, {"context"}),
    "tracker": ("trackers", Tracker, set()),
}
"""Group -> package, base class, and the arguments that the program itself gives."""
FOR_THE_METHOD = {"shared"}
"""Keys of a fusion layer that say what the method makes of it."""


def test_every_folder_is_a_group_and_every_group_has_a_default_that_exists():
    folders = {path.name for path in configs_folder().iterdir() if path.is_dir()}
    assert folders <= set(groups())
    for config in CONFIGS:
        for group, default in default_choices(config).items():
            own = (configs_folder() / group / f"{default}.yaml").is_file()
            assert default is None or default in choices(group) or own


def test_every_config_is_a_command_s_and_every_command_s_config_is_there():
    files = {path.stem for path in configs_folder().glob("*.yaml")} - {"defaults"}
    assert files == CONFIGS


@pytest.mark.parametrize(("group", "choice"), EVERY)
def test_every_choice_begins_with_a_sentence_on_what_it_is(group, choice):
    about = choices(group)[choice]
    assert len(about) > 20 and about[0].isupper()


@pytest.mark.parametrize(("group", "choice"), NAMED)
def test_the_name_in_a_file_is_the_name_of_the_file(group, choice):
    path = f"{group}/{choice}"
    assert shipped(path)["name"] == VARIED.get(path, choice)
    if path in VARIED:
        assert shipped(path).keys() == shipped(f"{group}/{VARIED[path]}").keys()


@pytest.mark.parametrize("choice", choices("task"))
def test_a_task_is_named_as_its_file(choice):
    task = shipped(f"task/{choice}")["task"]
    assert task["name"] == choice and task["title"]


@pytest.mark.parametrize(
    ("group", "choice"),
    [pair for pair in NAMED if pair[0] in CLASSES and "/".join(pair) not in WITHOUT_CLASS],
)
def test_the_keys_of_a_choice_are_the_arguments_of_its_class(group, choice):
    package, base, given = CLASSES[group]
    section = shipped(f"{group}/{choice}")
    made = implementation(package, section, base)
    assert made.func.__module__ == f"mlff_cli.{package}.{choice}"
    parameters = set(inspect.signature(made.func).parameters)
    assert section.keys() - {"name"} - FOR_THE_METHOD == parameters - given
    assert given <= parameters


@pytest.mark.parametrize("choice", choices("schedule"))
def test_the_keys_of_a_schedule_are_arguments_of_the_task(choice):
    keys = shipped(f"schedule/{choice}").keys() - {"name"}
    assert {"line", "heads"} <= keys <= inspect.signature(make_task).parameters.keys()


@pytest.mark.parametrize("choice", choices("trainer"))
def test_a_trainer_adds_no_key_to_the_default_one(choice):
    assert shipped(f"trainer/{choice}").keys() <= shipped("trainer/default").keys()


PATHS = [f"{group}/{choice}" for group, choice in NAMED]
PATHS += [f"{group}/{choice}" for group in ("trainer",) for choice in choices(group)]
PATHS += sorted(CONFIGS)
FREE = ("name", "model", "run", "output", "use_head", "good", "experiment", "project")
"""Keys that take any text."""


def test_comments_are_read_with_the_keys_they_stand_above():
    assert key_comments("fusion/authors")["width"].startswith("Channels of the descriptor")
    assert key_comments("train")["splits.test"].startswith("Share of all images")
    assert key_comments("train")["seed"].startswith("Draws the split")
    assert "Hydra" not in key_comments("dataset/csv").get("name", "")
    assert key_comments("trainer/default")["device"].startswith("Where networks run")


def test_keys_comments_and_values_are_inherited_and_the_own_ones_count_more():
    assert shipped("fusion/conv1x1_grid") == {
        **shipped("fusion/conv1x1"),
        "width": 24,
        "pooling": ["grid"],
    }
    comments = key_comments("fusion/conv1x1_grid")
    assert comments["width"] == key_comments("fusion/conv1x1")["width"]
    assert key_values("fusion/conv1x1_grid") == key_values("fusion/conv1x1")


@pytest.mark.parametrize(("group", "choice"), NAMED)
def test_a_choice_is_shipped_as_hydra_composes_it(group, choice):
    section = SECTION_OF[group]
    words = [f"{group}={choice}"]
    assert shipped(f"{group}/{choice}") == compose_config("train", words)[section]


def test_files_that_others_share_are_no_choices():
    shared = sorted(configs_folder().rglob("_*.yaml"))
    assert [path.name for path in shared] == ["_files.yaml", "_modalities.yaml", "_own.yaml"]
    assert not {"_files", "_own"} & set(choices("dataset"))


def test_a_task_says_which_other_choices_it_makes():
    assert overridden_choices("task/component_offsets")["fusion"] == "conv1x1_grid"
    assert overridden_choices("task/cross_product_fabric")["schedule"] == "unseen_product"
    assert overridden_choices("method/finetune_10_epochs") == {"fusion": "deepest"}
    assert overridden_choices("method/mlff_linear") == {"fusion": "conv1x1"}
    assert overridden_choices("fusion/conv1x1") == {}


@pytest.mark.parametrize("path", PATHS)
def test_every_default_is_among_the_values_of_its_key(path):
    keys = dict(flatten(shipped(path)))
    for key, values in key_values(path).items():
        assert values.admit(keys[key]), key


@pytest.mark.parametrize("path", PATHS)
def test_every_number_and_every_word_says_which_values_it_may_have(path):
    values = key_values(path)
    for key, default in flatten(shipped(path)):
        free = key in FREE or not isinstance(default, int | float | str)
        assert free or isinstance(default, bool) or values[key].said, key


@pytest.mark.parametrize("path", sorted(configs_folder().rglob("[!d]*.yaml")))
def test_comments_are_found_for_keys_that_exist(path):
    name = path.relative_to(configs_folder()).with_suffix("").as_posix()
    keys = dict(flatten(shipped(name)))
    found = {key for key, said in key_comments(name).items() if said and "hydra" not in key}
    assert found - {"defaults"} <= keys.keys() | {key.partition(".")[0] for key in keys}


def test_an_unknown_group_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="no group 'methd'; did you mean 'method'"):
        choices("methd")
