"""One experience scored."""

import numpy as np
import pytest
from configs_for_tests import learned, task_of

from mlff_cli.errors import UserError
from mlff_cli.runs.building import build_method, build_scorer
from mlff_cli.runs.scoring import is_readable


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
