"""Sums that add up: any order, nothing left of what is taken out, every kind of head."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from configs_for_tests import digits_manifest, learned, matrix_bytes, small_config, task_of

from mlff_cli.errors import UserError
from mlff_cli.methods.base import Journal
from mlff_cli.methods.ridge import PENALTIES
from mlff_cli.runs.adapters_file import load_adapters, save_adapters
from mlff_cli.runs.building import build_method
from mlff_cli.runs.checkpoints import Checkpoints
from mlff_cli.tasks.experience import Step

BATCHES = {"data": "placement", "schedule": "by_batch"}
FEW = {"data.images_per_class": 4}
OFFSETS = {**BATCHES, "head": "regressor", "keys": {**FEW, "data.labelling": "offsets"}}
ONE_BY_ONE = {
    "data": "placement",
    "schedule": "by_class",
    "keys": {**FEW, "schedule.classes_per_experience": 1},
}


def closed_form(folder, **choices):
    return small_config(folder, method="closed_form", **choices)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Features that are computed once, and a manifest with labels."""
    path = tmp_path_factory.mktemp("closed_form")

    def signs(digit, side):
        names = {"even": digit % 2 == 0, "loop": digit in (0, 6, 8, 9), "large": side > 44}
        return "|".join(name for name, there in names.items() if there) + f",b{digit % 3}"

    digits_manifest(path, "labels,batch", signs, count=90)
    return path


def labels(folder, schedule="by_batch", **keys):
    keys = {"data.file": str(folder / "manifest.csv"), **keys}
    return {"data": "csv", "head": "multi_label", "schedule": schedule, "keys": keys}


CASES = {
    "separate": lambda folder: {},
    "shared": lambda folder: {**BATCHES, "keys": FEW},
    "growing": lambda folder: ONE_BY_ONE,
    "numbers": lambda folder: OFFSETS,
    "labels": labels,
    "growing labels": lambda folder: labels(folder, "by_class"),
    "a fifth chooses": lambda folder: labels(folder, **{"splits.validation": 0.0}),
    "random features": lambda folder: {"keys": {"fusion.random_features": 64}},
    "variations": lambda folder: {"keys": {"features.variations": 2}},
}


def after(config, experiences):
    """Return the method after it has learned experiences in their order."""
    method = build_method(config)
    for index, experience in enumerate(experiences, start=1):
        step = Step((replace(experience, index=index),))
        method.begin(step)
        method.learn(step, Journal())
    return method


def assert_same(found, expected):
    assert found.heads == expected.heads
    for now, before in ((found.tensors, expected.tensors), (found.kept, expected.kept)):
        assert set(now) == set(before)
        assert all(torch.equal(tensor, before[name]) for name, tensor in now.items())


def readings(method):
    """Return the weights of every output of every head, by their names."""
    heads = {name: method.adapters[name].linear for name in method.heads}
    return {
        (name, output): (*linear.weight[place].tolist(), linear.bias[place].item())
        for name, linear in heads.items()
        for place, output in enumerate(method.heads[name])
    }


@pytest.mark.parametrize("case", CASES)
def test_the_order_of_experiences_changes_no_bit(case, folder):
    config = closed_form(folder, **CASES[case](folder))
    experiences = task_of(config).experiences
    forward, backward = after(config, experiences), after(config, experiences[::-1])
    assert readings(forward) == readings(backward)
    images = [record.image for record in experiences[0].test]
    for head, outputs in forward.heads.items():
        places = [backward.heads[head].index(output) for output in outputs]
        scores = backward.scores(head, images)[:, places]
        # softmax adds up in the order of the outputs
        np.testing.assert_allclose(forward.scores(head, images), scores, rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_an_experience_that_is_taken_out_leaves_no_trace(case, folder):
    config = closed_form(folder, **CASES[case](folder))
    experiences = task_of(config).experiences
    gone = experiences[1]
    method = after(config, experiences)
    method.forget(gone.name)
    left = method.heads
    assert case != "growing" or gone.name not in left["shared"]
    # Its classes are names of later heads; where it was never learned, they are none.
    without = after(
        config,
        [
            replace(e, outputs=tuple(o for o in e.outputs if o in left[e.head]))
            for e in experiences
            if e is not gone
        ],
    )
    assert left == without.heads
    assert_same(method.state(), without.state())


def test_taking_out_everything_leaves_nothing_and_a_stranger_is_refused(folder):
    config = closed_form(folder)
    experiences = task_of(config).experiences
    method = after(config, experiences)
    with pytest.raises(UserError, match="experience 'brushed' was not learned; "):
        method.forget("brushed")
    for experience in experiences:
        method.forget(experience.name)
    assert not method.heads and not method.sums
    assert method.trainable_parameters() == 0


def test_what_is_learned_again_counts_once(folder):
    config = closed_form(folder)
    experiences = task_of(config).experiences
    assert readings(after(config, [*experiences, experiences[0]])) == readings(
        after(config, experiences)
    )


def test_it_counts_the_weights_of_the_heads(folder):
    method = after(closed_form(folder), task_of(closed_form(folder)).experiences)
    outputs = sum(map(len, method.heads.values()))
    assert method.trainable_parameters() == outputs * (method.adapters.fusion.width + 1)


@pytest.mark.parametrize("case", ["separate", "growing", "labels", "numbers"])
def test_broken_off_and_resumed_it_gives_the_same_bytes(case, folder, tmp_path, monkeypatch):
    class BrokenOff(BaseException):
        pass

    config = closed_form(folder, **CASES[case](folder))
    method, outcome = learned(config, tmp_path / "whole")
    save = Checkpoints.save

    def breaking(self, progress):
        save(self, progress)
        raise BrokenOff

    monkeypatch.setattr(Checkpoints, "save", breaking)
    for _ in task_of(config).experiences:
        with pytest.raises(BrokenOff):
            learned(config, tmp_path / "state")
    resumed, again = learned(config, tmp_path / "state")
    assert matrix_bytes(again, tmp_path) == matrix_bytes(outcome, tmp_path)
    assert_same(resumed.state(), method.state())


def test_sums_lie_in_the_adapters_in_double_precision_and_damage_is_noticed(folder, tmp_path):
    config = closed_form(folder)
    experiences = task_of(config).experiences
    method = after(config, experiences[:2])
    save_adapters(tmp_path, method.state(), fingerprint="f")
    fresh = build_method(config)
    fresh.load(load_adapters(tmp_path, "f"))
    sums = fresh.sums[experiences[0].head][experiences[0].name]
    assert sums.moments.dtype == torch.float64
    assert int(sums.count) == len(experiences[0].train)
    # and it learns on as if it had never been away
    step = Step((experiences[2],))
    fresh.begin(step)
    fresh.learn(step, Journal())
    assert readings(fresh) == readings(after(config, experiences))
    file = tmp_path / "kept.safetensors"
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(UserError, match="damaged"):
        load_adapters(tmp_path, "f")


def test_a_head_without_sums_does_not_fit(folder):
    config = closed_form(folder)
    state = after(config, task_of(config).experiences[:1]).state()
    with pytest.raises(RuntimeError, match="without its sums"):
        build_method(config).load(replace(state, kept={}))
    names = [json.loads(name) for name in state.kept]
    assert sorted(part for _, _, part in names) == ["errors", "moments", "outputs"]


def test_it_tells_handwritten_digits_apart_and_labels_them(tmp_path):
    def mean(metric, config):
        _, outcome = learned(config, tmp_path / metric)
        return outcome.matrix.score(metric, 1, 1).value

    keys = {"data.file": str(digits_manifest(tmp_path, "label", lambda d, side: f"{d}"))}
    config = closed_form(tmp_path, data="csv", keys={**keys, "data.image_size": 64})
    assert mean("accuracy", config) > 0.5  # ten classes: 0.1 by chance
    keys = {"data.file": str(digits_manifest(tmp_path, "target_side", lambda d, side: side))}
    config = closed_form(tmp_path, data="csv", head="regressor", keys=keys)
    assert mean("mae", config) < 5  # of the sides 24 to 64; the median alone misses by 12


def test_a_hidden_layer_is_refused(folder):
    with pytest.raises(UserError, match=r"head\.hidden: .*give head\.hidden=0"):
        build_method(closed_form(folder, keys={"head.hidden": 8}))


def test_a_fusion_layer_that_would_train_is_said(folder, caplog):
    build_method(closed_form(folder))
    assert not caplog.records
    build_method(closed_form(folder, fusion="conv1x1"))
    assert "trains no fusion layer" in caplog.text


def test_half_precision_leaves_the_scores_alone(folder):
    config = closed_form(folder)
    experiences = task_of(config).experiences
    half = closed_form(folder, keys={"trainer.precision": "bf16"})
    assert readings(after(half, experiences)) == readings(after(config, experiences))


def test_a_penalty_at_the_edge_of_its_grid_is_said(folder, caplog, monkeypatch):
    config = closed_form(folder, **OFFSETS)
    experiences = task_of(config).experiences[:1]
    errors = torch.arange(-9.0, 10.0, dtype=torch.float64).square()
    assert len(errors) == len(PENALTIES)
    monkeypatch.setattr("mlff_cli.methods.closed_form.held_out_errors", lambda *_: errors)
    after(config, experiences)
    assert not caplog.records
    errors[-1] = -1
    after(config, experiences)
    assert "head 'shared': the ridge penalty 1000" in caplog.text
    assert "edge of its grid (1e-06 to 1000)" in caplog.text


def test_a_run_through_the_command_line_is_verified(mlff, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("method=closed_form", "data.images_per_class=4", "data.image_size=32",
             "trainer.device=cpu", "trainer.workers=0", "paths.features=features")  # fmt: skip
    code, said = mlff("train", *words)
    assert code == 0 and "closed_form" in said, said
    (run,) = (tmp_path / "runs/surface_defect").iterdir()
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["method"] == {"name": "closed_form"}
    assert config["fusion"] == {"name": "normalised_means", "random_features": 0}
    code, said = mlff("verify", f"run={run}", "trainer.device=cpu")
    assert code == 0 and "verified" in said, said
    code, said = mlff("evaluate", f"run={run}", "trainer.device=cpu", "paths.features=features")
    assert code == 0, said
