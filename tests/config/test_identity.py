"""Which keys the result of a run depends on."""

from copy import deepcopy

import pytest

from mlff_cli.config.composition import compose_config
from mlff_cli.config.identity import completed, relevant
from mlff_cli.config.schema import check
from mlff_cli.config.shipped import choices
from mlff_cli.errors import UserError

BASE = ("task=custom", "data.root=/images")


def of(*words):
    return relevant(compose_config("train", [*BASE, *words]))


@pytest.mark.parametrize(
    "word",
    ["paths.runs=elsewhere", "paths.features=elsewhere", "trainer.workers=3", "table=paper",
     "trainer.processes=2", "trainer.checkpoint_every=5", "data.root=/moved",
     "tracker=tensorboard", "tracker=mlflow", "tracker=wandb",
     "data.allow_outside_root=true", "data.on_bad_image=skip", "data.bad_image_limit=0.5"],
)  # fmt: skip
def test_what_changes_no_result_is_left_out(word):
    assert of(word) == of()


@pytest.mark.parametrize(
    "word",
    ["seed=1", "trainer.device=cuda", "trainer.precision=bf16", "trainer.batch_size=8",
     "features.store=false", "features.dtype=float16", "data.image_size=96", "method.epochs=3",
     "splits.test=0.3", "order=[a,b]", "head=multi_label"],
)  # fmt: skip
def test_what_may_change_one_is_kept(word):
    assert of(word) != of()


@pytest.mark.parametrize("dataset", choices("dataset"))
def test_of_the_data_all_is_kept_but_where_they_lie(dataset):
    config = compose_config("train", [f"dataset={dataset}"])
    places = {"root", "file", "allow_outside_root", "on_bad_image", "bad_image_limit"}
    places |= {"ignored_columns", "folder_splits", "bits"}  # what is read counts by the records
    assert relevant(config)["data"].keys() == config["data"].keys() - places


def test_a_config_stays_as_it_was_and_a_section_of_nothing_goes():
    config = compose_config("train", BASE)
    before = deepcopy(config)
    found = relevant(config)
    assert config == before
    assert "paths" not in found and "table" not in found
    assert found["trainer"].keys() == {"device", "precision", "batch_size"}


def test_a_section_that_is_no_shipped_choice_stays_whole():
    config = {**compose_config("train", BASE), "data": {"name": "mine", "root": "/x"}}
    assert relevant(config)["data"] == {"name": "mine", "root": "/x"}


def test_a_config_of_before_a_key_that_changes_no_result_can_be_opened():
    config = compose_config("train", ["dataset=csv", "data.file=list.csv"])
    old = deepcopy(config)
    del old["data"]["ignored_columns"]
    assert completed(old) == config
    assert relevant(old) == relevant(config)
    del old["data"]["variations"]
    with pytest.raises(UserError, match=r"'data\.variations' is missing"):
        check(completed(old), "train")


def test_a_run_of_before_trackers_can_be_opened_and_has_none():
    config = compose_config("train", BASE)
    old = {section: tree for section, tree in config.items() if section != "tracker"}
    assert completed(old) == config and relevant(old) == relevant(config)
    check(completed(old), "train")
    del old["method"]
    assert "method" not in completed(old)
