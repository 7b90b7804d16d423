"""One experience scored."""

from dataclasses import replace

import numpy as np
import pytest
from configs_for_tests import learned, small_config, tiny_backbone

from mlff_cli.runs.building import build_method, build_task, head_class
from mlff_cli.runs.scoring import is_readable, metrics_of, score_experience


@pytest.fixture
def config(tmp_path, weights_of):
    def make(**choices):
        keys = tiny_backbone(weights_of) | choices.pop("keys", {})
        return small_config(tmp_path, backbone="timm", keys=keys, **choices)

    return make


def test_every_output_of_every_image_stands_beside_its_target(config, tmp_path):
    run = config()
    method, outcome = learned(run, tmp_path / "state")
    experience = build_task(run).experiences[1]
    scored = score_experience(method, experience, "test", head_class(run))
    assert scored.outputs == experience.outputs
    assert scored.scores.shape == (len(experience.test), 5)
    names = [scored.outputs[target] for target in scored.targets]
    assert names == [record.labels[0] for record in experience.test]
    values = metrics_of(scored, head_class(run))
    assert values["mAP"] == outcome.matrix.score("mAP", 0, 3, 2).value


@pytest.mark.parametrize("head", ["classifier", "multi_label"])
def test_an_early_experience_is_scored_on_all_outputs_of_a_head_that_grew(head, config, tmp_path):
    run = config(head=head, schedule="by_class", keys={"schedule.classes_per_experience": 4})
    method, _ = learned(run, tmp_path / "state")
    first, *_, last = build_task(run).experiences
    scored = score_experience(method, first, "test", head_class(run))
    assert scored.outputs == last.outputs
    assert scored.scores.shape == (len(first.test), 11)
    if head == "multi_label":
        assert scored.targets.shape == scored.scores.shape
        assert not scored.targets[:, 4:].any()
    assert np.isfinite(list(metrics_of(scored, head_class(run)).values())).all()


def test_without_images_nothing_is_scored(config):
    run = config()
    method = build_method(run)
    (step, *_) = method.steps(build_task(run).experiences)
    method.begin(step)
    empty = replace(step.experiences[0], test=())
    assert score_experience(method, empty, "test", head_class(run)) is None
    assert metrics_of(None, head_class(run)) == {}


def test_readable_is_what_a_head_has_all_outputs_for(config):
    run = config(schedule="by_class", keys={"schedule.classes_per_experience": 4})
    experiences = build_task(run).experiences
    method = build_method(run)
    assert not any(is_readable(method, e) for e in experiences)
    for count, step in enumerate(method.steps(experiences), start=1):
        method.begin(step)
        assert [is_readable(method, e) for e in experiences] == [n < count for n in range(3)]
