"""Every YAML file that is shipped: its name, its comment, its keys."""

import inspect

import pytest

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.cli.help import ALIASES
from mlff_cli.cli.main import COMMANDS, PLAIN
from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import (
    choices,
    configs_folder,
    default_choices,
    groups,
    key_comments,
    shipped,
)
from mlff_cli.data.base import Dataset
from mlff_cli.errors import UserError
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.base import Head
from mlff_cli.methods.base import Method
from mlff_cli.runs.registry import implementation
from mlff_cli.tasks.task import make_task

EVERY = [(group, choice) for group in groups() for choice in choices(group)]
VARIED = {
    "dataset/surfaces_good_defect": "surfaces",
    "fusion/conv1x1_grid": "conv1x1",
    "method/finetune_10_epochs": "finetune",
}
"""Files that inherit another one's keys and name."""
NAMED = [pair for pair in EVERY if pair[0] not in ("task", "trainer", "paths", "experiment")]
CLASSES = {
    "dataset": ("data", Dataset, set()),
    "backbone": ("backbones", BackboneRecipe, {"image_size"}),
    "fusion": ("fusion", FusionLayer, {"levels"}),
    "head": ("heads", Head, {"width", "outputs"}),
    "method": ("methods", Method, {"context"}),
}
"""Group -> package, base class, and the arguments that the program itself gives."""


def test_every_folder_is_a_group_and_every_group_has_a_default_that_exists():
    folders = {path.name for path in configs_folder().iterdir() if path.is_dir()}
    assert folders <= set(groups())
    for command in COMMANDS.keys() - PLAIN:
        for group, default in default_choices(ALIASES.get(command, command)).items():
            assert default is None or default in choices(group)


def test_every_command_but_the_plain_ones_has_a_config():
    files = {path.stem for path in configs_folder().glob("*.yaml")} - {"defaults"}
    assert files == {ALIASES.get(command, command) for command in COMMANDS.keys() - PLAIN}


@pytest.mark.parametrize(("group", "choice"), EVERY)
def test_every_choice_begins_with_a_sentence_on_what_it_is(group, choice):
    about = choices(group)[choice]
    assert len(about) > 20 and about[0].isupper()


@pytest.mark.parametrize(("group", "choice"), NAMED)
def test_the_name_in_a_file_is_the_name_of_the_file(group, choice):
    path = f"{group}/{choice}"
    if path in VARIED:
        assert shipped(path).keys() < shipped(f"{group}/{VARIED[path]}").keys()
    else:
        assert shipped(path)["name"] == choice


@pytest.mark.parametrize("choice", choices("task"))
def test_a_task_is_named_as_its_file(choice):
    task = shipped(f"task/{choice}")["task"]
    assert task["name"] == choice and task["title"]


@pytest.mark.parametrize(
    ("group", "choice"),
    [pair for pair in NAMED if pair[0] in CLASSES and "/".join(pair) not in VARIED],
)
def test_the_keys_of_a_choice_are_the_arguments_of_its_class(group, choice):
    package, base, given = CLASSES[group]
    section = shipped(f"{group}/{choice}")
    made = implementation(package, section, base)
    assert made.func.__module__ == f"mlff_cli.{package}.{choice}"
    parameters = set(inspect.signature(made.func).parameters)
    assert section.keys() - {"name"} == parameters - given
    assert given <= parameters


@pytest.mark.parametrize("choice", choices("schedule"))
def test_the_keys_of_a_schedule_are_arguments_of_the_task(choice):
    keys = shipped(f"schedule/{choice}").keys() - {"name"}
    assert {"line", "heads"} <= keys <= inspect.signature(make_task).parameters.keys()


@pytest.mark.parametrize("choice", choices("trainer"))
def test_a_trainer_adds_no_key_to_the_default_one(choice):
    assert shipped(f"trainer/{choice}").keys() <= shipped("trainer/default").keys()


def test_comments_are_read_with_the_keys_they_stand_above():
    assert key_comments("fusion/authors")["width"].startswith("Channels of the descriptor")
    assert key_comments("train")["splits.test"].startswith("Share of all images")
    assert key_comments("train")["seed"].startswith("Draws the split")
    assert "Hydra" not in key_comments("dataset/csv").get("name", "")
    assert key_comments("trainer/default")["device"] == "auto, cpu, cuda or mps."


@pytest.mark.parametrize("path", sorted(configs_folder().rglob("[!d]*.yaml")))
def test_comments_are_found_for_keys_that_exist(path):
    name = path.relative_to(configs_folder()).with_suffix("").as_posix()
    keys = dict(flatten(shipped(name)))
    found = {key for key, said in key_comments(name).items() if said and "hydra" not in key}
    assert found - {"defaults"} <= keys.keys() | {key.partition(".")[0] for key in keys}


def test_an_unknown_group_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="no group 'methd'; did you mean 'method'"):
        choices("methd")
