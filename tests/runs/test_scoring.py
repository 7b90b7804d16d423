"""One experience scored."""

import re

import numpy as np
import pytest
import torch
from configs_for_tests import learned, task_of

from mlff_cli.errors import UserError
from mlff_cli.runs.building import build_method, build_scorer
from mlff_cli.runs.scoring import LatestScores, is_readable


def test_every_output_of_every_image_stands_beside_its_target(config, tmp_path):
    run = config()
    method, outcome = learned(run, tmp_path / "state")
    experience = task_of(run).experiences[1]
    scored = build_scorer(run, "test")(method, experience)
    assert scored.outputs == experience.outputs
    assert scored.scores.shape == (len(experience.test), 5)
    names = [scored.outputs[target] for target in scored.targets]
    assert names == [record.labels[0] for record in experience.test]
    assert scored.values["mAP"] == outcome.matrix.score("mAP", 3, 2).value


@pytest.mark.parametrize("head", ["classifier", "multi_label"])
def test_an_early_experience_is_scored_on_all_outputs_of_a_head_that_grew(head, config, tmp_path):
    run = config(head=head, schedule="by_class", keys={"schedule.classes_per_experience": 4})
    method, _ = learned(run, tmp_path / "state")
    first, *_, last = task_of(run).experiences
    scored = build_scorer(run, "test")(method, first)
    assert scored.outputs == last.outputs
    assert scored.scores.shape == (len(first.test), 11)
    if head == "multi_label":
        assert scored.targets.shape == scored.scores.shape
        assert not scored.targets[:, 4:].any()
    assert np.isfinite(list(scored.values.values())).all()


def test_a_metric_that_does_not_exist_is_named(config):
    run = config()
    run["head"]["metrics"] = ["accuracy", "mean_average_precison"]
    with pytest.raises(UserError, match=r"head\.metrics: .*'mean_average_precision'"):
        build_scorer(run, "test")


def test_readable_is_what_a_head_has_all_outputs_for(config):
    run = config(schedule="by_class", keys={"schedule.classes_per_experience": 4})
    experiences = task_of(run).experiences
    method = build_method(run)
    assert not any(is_readable(method, e, "test") for e in experiences)
    for count, step in enumerate(method.steps(experiences), start=1):
        method.begin(step)
        there = [is_readable(method, e, "test") for e in experiences]
        assert there == [n < count for n in range(3)]
        latest = LatestScores(build_scorer(run, "test"))
        assert [latest(method, e, step) is not None for e in experiences] == there


@pytest.mark.parametrize("shared", ["auto", True])
def test_what_no_training_changes_is_scored_once(config, tmp_path, monkeypatch, shared):
    run = config(schedule="by_product", keys={"fusion.shared": shared})
    method, _ = learned(run, tmp_path / "state")
    experiences, scorer = task_of(run).experiences, build_scorer(run, "test")
    latest, computed = LatestScores(scorer), []
    scores = method.scores
    monkeypatch.setattr(
        method, "scores", lambda head, images: computed.append(head) or scores(head, images)
    )
    one, two, *_ = steps = method.steps(experiences)
    first = [latest(method, experience, two) for experience in experiences]
    again = [latest(method, experience, steps[-1]) for experience in experiences]
    assert len(computed) == (2 * len(experiences) if shared is True else len(experiences) + 1)
    for before, after in zip(first, again, strict=True):
        np.testing.assert_array_equal(before.scores, after.scores)
    latest.refuse_changed(method)
    with torch.no_grad():
        next(method.adapters[experiences[0].head].parameters()).neg_()
    if shared == "auto":
        first_head = re.escape(experiences[0].head)
        with pytest.raises(UserError, match=f"FeatureFusion changed the head '{first_head}'"):
            latest.refuse_changed(method)
    computed.clear()
    changed = [latest(method, experience, one) for experience in experiences]
    assert computed == [e.head for e in experiences][: None if shared is True else 1]
    latest.refuse_changed(method)
    assert not np.array_equal(changed[0].scores, first[0].scores)
    np.testing.assert_array_equal(changed[0].scores, scorer(method, experiences[0]).scores)
    np.testing.assert_array_equal(changed[1].scores, first[1].scores)
