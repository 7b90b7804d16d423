"""The schema: what a config may hold."""

from copy import deepcopy

import pytest

from mlff_cli.config.composition import compose_config
from mlff_cli.config.schema import check, flatten, schema_of, suggest_key
from mlff_cli.config.shipped import SECTIONS, default_choices, shipped
from mlff_cli.errors import UserError


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
        ("fusion.shared", 1),
        ("fusion.shared", "true"),
        ("fusion.shared", None),
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


@pytest.mark.parametrize("value", ["auto", True, False])
def test_words_of_several_types_are_taken_whatever_the_default_is(config, value):
    for section in (config["fusion"], shipped("fusion/local")):
        check({**config, "fusion": {**section, "shared": value}}, "train")


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


def test_evaluate_takes_its_own_images_or_a_dataset_and_no_key_of_training(config):
    given = {key: config[key] for key in ("trainer", "paths")}
    given |= {"run": "x", "output": None, "use_head": "", "score_trained_images": False}
    given |= {"data": dict(shipped("dataset/_own"))}
    check(given, "evaluate")
    check(given | {"data": config["data"]}, "evaluate")
    assert "dataset= needs a choice" in refused(given | {"data": None}, "evaluate")
    assert "'_own' is no dataset" in refused(config | {"data": given["data"]})
    assert "'seed'" in refused(given | {"seed": 3}, "evaluate")
    assert "'method'" in refused(given | {"method": config["method"]}, "evaluate")


def test_a_list_of_numbers_takes_no_names(config):
    config["data"] = dict(shipped("dataset/magnetic_tile"), exposures=[1, 2])
    check(config, "train")
    config["data"]["exposures"] = ["1"]
    assert "data.exposures: expected a list of whole numbers" in refused(config)


def test_words_and_ranges_are_those_of_the_choice(config):
    config["data"] = dict(shipped("dataset/placement"), labelling="offsets")
    check(config, "train")
    config["data"] = dict(shipped("dataset/surfaces"), labelling="offsets")
    assert refused(config).startswith(
        "data.labelling: expected one of defects, good_defect, found 'offsets'"
    )
    config["data"] = dict(shipped("dataset/elpv"), classes=3)
    assert refused(config) == "data.classes: expected one of 2, 4, found '3'"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("seed", 2**70, "seed: expected at least 0 and at most 2^63-1, found 11805916207174"),
        ("seed", 2**63, "seed: expected at least 0 and at most 2^63-1, found 9223372036854775808"),
        ("data.generator_seed", 2**63, "data.generator_seed: expected at least 0 and at most"),
        ("data.image_size", 100_000, "data.image_size: expected at least 32 and at most 1024"),
        ("splits.scored", "validatoin", "found 'validatoin'; did you mean 'validation'?"),
        ("data.variations", ["flips", "twirls"], "flips, shifts, brightness, found 'twirls'"),
        ("method.weight_decay", 10**400, "method.weight_decay: expected a number, found 1000"),
        ("method.learning_rate", 10, "a number between 0 and 10 (above 0, below 10), found 10"),
    ],
)
def test_what_a_range_says(config, key, value, said):
    set_key(config, key, value)
    assert said in refused(config)


def test_the_greatest_seed_passes(config):
    check(config | {"seed": 2**63 - 1}, "train")


@pytest.mark.parametrize(
    ("section", "tree", "path"),
    [
        ("fusion", {"name": "conv1x1"}, "fusion/conv1x1"),
        ("data", {"name": "csv"}, "dataset/csv"),
        ("trainer", {}, "trainer/default"),
        ("fusion", {"name": "mine"}, None),
        ("fusion", {"name": "../fusion/conv1x1"}, None),
        ("fusion", {}, None),
        ("fusion", "conv1x1", None),
        ("splits", {"test": 0.1}, None),
    ],
)
def test_the_schema_of_a_section_is_a_shipped_file(section, tree, path):
    assert schema_of(section, tree) == path


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("method.epoch", "'method.epochs'?"),
        ("epochs", "'method.epochs'?"),
        ("sed", "'seed'?"),
        ("split.test", "'splits.test'?"),
        ("dataset.image_size", "'data.image_size'?"),
        ("data.file", "belongs to dataset=csv"),
        ("data.xyz", "data.generator_seed, data.good"),
        ("nothing.like.it", "choose one of: backbone"),
    ],
)
def test_suggestions(config, wrong, right):
    keys = dict(flatten(config)) | dict.fromkeys(default_choices("train"))
    assert right in suggest_key(wrong, keys)


@pytest.mark.parametrize("size", [64, [64, 128], [128, 128]])
def test_images_of_files_may_be_squares_or_not(size):
    words = ["dataset=folder", "data.root=x", f"data.image_size={size}".replace(" ", "")]
    assert compose_config("train", words)["data"]["image_size"] == size


@pytest.mark.parametrize("size", ["[64]", "[64,64,64]", "[64,64.5]", "[8,64]", "true", "8", "64.5"])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(UserError, match=r"data\.image_size: expected"):
        compose_config("train", ["dataset=folder", "data.root=x", f"data.image_size={size}"])


@pytest.mark.parametrize("data", ["surfaces", "placement"])
def test_drawn_images_are_square(data):
    with pytest.raises(UserError, match=r"data\.image_size: expected a whole number, found \[64"):
        compose_config("train", [f"dataset={data}", "data.image_size=[64,128]"])
