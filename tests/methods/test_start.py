"""Where a new product's fusion layer starts: from random weights, or from the nearest product's."""

import json
from dataclasses import replace

import pytest
import torch
from configs_for_tests import small_config, task_of, tiny_backbone

from mlff_cli.config.identity import completed
from mlff_cli.methods.base import Journal
from mlff_cli.methods.on_features import TrainedOnFeatures
from mlff_cli.methods.start import Products, are_of_products
from mlff_cli.runs.building import build_method
from mlff_cli.runs.identity import config_digest


@pytest.fixture
def products(tmp_path, weights_of):
    """Make a config of three products, each with a head and a fusion layer of its own."""

    def make(start, **keys):
        return small_config(
            tmp_path,
            backbone="timm",
            fusion="local",
            keys={**tiny_backbone(weights_of), "method.start": start, **keys},
        )

    return make


def learn(method, experience):
    from mlff_cli.tasks.experience import Step

    step = Step((experience,))
    method.begin(step)
    method.learn(step, Journal())


def weights(method, head):
    own = method.adapters.fusion_of(head).state_dict()
    return {name: tensor.clone() for name, tensor in own.items()}


def same(left, right):
    return all(torch.equal(tensor, right[name]) for name, tensor in left.items())


def test_a_new_product_starts_from_the_nearest_one(products, monkeypatch):
    config = products("nearest")
    first, second, third = task_of(config).experiences
    method = build_method(config)
    learn(method, first)
    learn(
        method, replace(second, train=first.train, head="twin", name="twin", outputs=first.outputs)
    )
    learned = {name: weights(method, name) for name in method.heads}
    assert not same(learned[first.head], learned["twin"])
    monkeypatch.setattr(TrainedOnFeatures, "learn", lambda *_: None)
    twin = replace(third, train=first.train, head="third", name="third", outputs=first.outputs)
    learn(method, twin)  # as near to the first as to its twin: the earlier one
    start = weights(method, "third")
    assert not start.pop("fitted")  # its constants are its own
    assert same({name: learned[first.head][name] for name in start}, start)
    assert all(same(learned[name], weights(method, name)) for name in learned)


def test_the_first_product_is_learned_as_from_scratch(products):
    made = {}
    for start in ("scratch", "nearest"):
        config = products(start)
        made[start] = build_method(config)
        learn(made[start], task_of(config).experiences[0])
    assert same(made["scratch"].state().tensors, made["nearest"].state().tensors)
    assert made["scratch"].state().kept == {}
    assert all(map(are_of_products, made["nearest"].state().kept))


def test_what_is_known_of_products_is_part_of_the_state(products):
    config = products("nearest")
    first, second, _ = task_of(config).experiences
    method = build_method(config)
    learn(method, first)
    again = build_method(config)
    again.load(method.state())
    for one in (method, again):
        learn(one, second)
    assert same(method.state().tensors, again.state().tensors)
    assert {json.loads(key)[0] for key in again.state().kept} == {first.head, second.head}


def test_with_one_layer_for_all_there_is_nothing_to_start_from(products):
    config = products("nearest", **{"fusion.shared": True})
    method = build_method(config)
    for experience in task_of(config).experiences[:2]:
        learn(method, experience)
    assert method.state().kept == {}


def test_what_is_known_of_a_product_has_to_be_whole():
    with pytest.raises(RuntimeError, match="'axes'"):
        Products().load({'["bolt", null, "means"]': torch.zeros(1, 2)})


def test_a_run_of_before_is_the_same_as_one_from_scratch(products):
    config = products("scratch")
    before = {**config, "method": {k: v for k, v in config["method"].items() if k != "start"}}
    assert config_digest(before) == config_digest(config)
    assert config_digest(products("nearest")) != config_digest(config)
    assert completed(before)["method"]["start"] == "scratch"
