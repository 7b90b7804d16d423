"""The schema: what a config may hold."""

from copy import deepcopy

import pytest

from mlff_cli.config.schema import AT_LEAST, BETWEEN, NUMBERS, WORDS, check, flatten, suggest_key
from mlff_cli.config.shipped import SECTIONS, choices, default_choices, shipped
from mlff_cli.errors import UserError

KEYS = dict(flatten(shipped("train"))) | {
    key: value
    for section, group in SECTIONS.items()
    for choice in choices(group)
    for key, value in flatten(shipped(f"{group}/{choice}"), f"{section}.")
}


@pytest.fixture
def config():
    """What `mlff train` has when nothing is said."""
    made = default_choices("train")
    whole = deepcopy(shipped("train")) | deepcopy(shipped(f"task/{made['task']}"))
    for section, group in SECTIONS.items():
        whole[section] = deepcopy(shipped(f"{group}/{made[group]}"))
    return whole


def set_key(config, path, value):
    *sections, last = path.split(".")
    for section in sections:
        config = config[section]
    config[last] = value


def refused(config, command="train"):
    with pytest.raises(UserError) as caught:
        check(config, command)
    return str(caught.value)


def test_the_defaults_pass(config):
    check(config, "train")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("method.learning_rate", 1),
        ("backbone.weights", "a.pth"),
        ("backbone.weights", None),
        ("backbone.levels", ["layer1"]),
        ("trainer.batch_size", 1),
        ("trainer.workers", -1),
        ("method.dropout", 0),
        ("method.dropout", 0.0),
        ("splits.validation", 0),
        ("method.weight_decay", 0),
        ("paths.runs", "~/a b"),
        ("seed", 2**31),
    ],
)
def test_values_that_pass(config, key, value):
    set_key(config, key, value)
    check(config, "train")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("method.epochs", "3"),
        ("method.epochs", 3.0),
        ("method.epochs", True),
        ("method.epochs", None),
        ("method.epochs", [3]),
        ("method.epochs", {"a": 1}),
        ("method.epochs", 0),
        ("method.batch_size", 1),
        ("method.learning_rate", True),
        ("method.learning_rate", float("nan")),
        ("method.learning_rate", 10.0),
        ("method.distillation", -0.1),
        ("method.dropout", 1.0),
        ("method.dropout", -0.1),
        ("fusion.pooling", "mean"),
        ("fusion.pooling", [None]),
        ("backbone.levels", [1]),
        ("data.image_size", 15),
        ("data.images_per_class", 3),
        ("data.labelling", "products"),
        ("features.store", "true"),
        ("features.store", 1),
        ("splits.scored", "train"),
        ("splits.test", 0),
        ("splits", 3),
        ("splits", None),
        ("backbone.weights", 3),
        ("paths.runs", None),
        ("trainer.workers", -2),
        ("seed", -1),
        ("task.title", 3),
        ("task", None),
        ("fusion", ["conv1x1"]),
    ],
)
def test_values_that_are_refused_with_their_key(config, key, value):
    set_key(config, key, value)
    assert key in refused(config)


@pytest.mark.parametrize("key", ["seed", "splits.test", "fusion.width", "trainer.device"])
def test_a_missing_key_is_named(config, key):
    *sections, last = key.split(".")
    tree = config
    for section in sections:
        tree = tree[section]
    del tree[last]
    assert f"'{key}' is missing" in refused(config)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_missing_section_is_named(config, section):
    del config[section]
    assert f"{SECTIONS[section]}= needs a choice" in refused(config)


def test_a_section_with_a_name_that_is_not_shipped_is_refused(config):
    config["fusion"]["name"] = "../conv1x1"
    assert "fusion.name: '../conv1x1' is no fusion" in refused(config)
    config["fusion"] = {"width": 3}
    assert "fusion.name" in refused(config)


def test_evaluate_takes_no_dataset_and_no_key_of_training(config):
    given = {"run": "x", "use_head": "", "trainer": config["trainer"], "paths": config["paths"]}
    check(given, "evaluate")
    check(given | {"data": config["data"]}, "evaluate")
    check(given | {"data": None}, "evaluate")
    assert "'seed'" in refused(given | {"seed": 3}, "evaluate")
    assert "'method'" in refused(given | {"method": config["method"]}, "evaluate")


def test_a_list_of_numbers_takes_no_names(config):
    config["data"] = dict(shipped("dataset/magnetic_tile"), exposures=[1, 2])
    check(config, "train")
    config["data"]["exposures"] = ["1"]
    assert "data.exposures: expected a list of whole numbers" in refused(config)


def test_every_rule_is_about_a_key_that_is_shipped():
    names = {key.rpartition(".")[2] for key in KEYS} | {"tolerance"}
    assert AT_LEAST.keys() <= names
    assert all(KEYS[key] == [] for key in NUMBERS)
    assert all(key in KEYS or key in names for key in BETWEEN)
    for key, words in WORDS.items():
        default = KEYS[key]
        assert set(default if isinstance(default, list) else [default]) <= set(words)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("method.epoch", "'method.epochs'?"),
        ("epochs", "'method.epochs'?"),
        ("sed", "'seed'?"),
        ("split.test", "'splits.test'?"),
        ("dataset.image_size", "'data.image_size'?"),
        ("data.file", "belongs to dataset=csv"),
        ("data.xyz", "data.generator_seed, data.image_size"),
        ("nothing.like.it", "choose one of: backbone"),
    ],
)
def test_suggestions(config, wrong, right):
    keys = dict(flatten(config)) | dict.fromkeys(default_choices("train"))
    assert right in suggest_key(wrong, keys)
