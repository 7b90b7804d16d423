"""The keys and values of a config, by the words of a command line."""

import pytest

from mlff_cli.config.composition import compose_config
from mlff_cli.config.keys import chosen, keys_of, values_of
from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import choices, default_choices


@pytest.mark.parametrize("task", choices("task"))
@pytest.mark.parametrize("method", ["mlff", "finetune"])
def test_the_keys_are_those_that_hydra_composes(task, method):
    words = [f"task={task}", f"method={method}"]
    composed = {key for key, _ in flatten(compose_config("train", words))}
    found = keys_of("train", words).keys() - default_choices("train").keys()
    assert found == {key for key in composed if not key.endswith((".name", "task.title"))}


def test_what_the_words_choose_counts_more_than_what_a_task_does():
    assert chosen("train", ["task=component_offsets"])["fusion"] == "conv1x1_grid"
    assert chosen("train", ["fusion=authors", "task=component_offsets"])["fusion"] == "authors"
    assert chosen("train", ["method=finetune,mlff"])["fusion"] == "deepest"
    assert chosen("train", ["method=nothing", "seed=3"])["method"] == "nothing"
    assert chosen("evaluate", ["dataset=csv"])["dataset"] == "csv"


def test_values_are_those_of_the_choices():
    assert values_of("train", ["dataset=placement"])["data.labelling"].words == (
        "tolerance",
        "offsets",
    )
    assert values_of("train", [])["trainer.device"].words[0] == "auto"
    assert values_of("features", [])["action"].words == ("list", "verify", "prune")
    assert "data.root" not in values_of("train", [])
