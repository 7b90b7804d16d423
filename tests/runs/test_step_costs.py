"""What each step of a run is said to have cost."""

import math

import pytest
from configs_for_tests import learned, small_config, task_of, tiny_backbone


@pytest.fixture
def config(tmp_path, weights_of):
    def make(**keys):
        return small_config(tmp_path, backbone="timm", keys=tiny_backbone(weights_of) | keys)

    return make


def test_each_step_tells_its_images_time_and_memory(config, tmp_path):
    _, outcome = learned(config(), tmp_path / "state")
    experiences = task_of(config()).experiences
    assert [step.experience for step in outcome.steps] == [e.name for e in experiences]
    assert [step.images_extracted for step in outcome.steps] == [20, 20, 20]
    assert [step.training_seconds for step in outcome.steps] == outcome.training_seconds
    for step in outcome.steps:
        assert step.extraction_seconds > 0
        assert step.scoring_seconds > 0
        assert step.peak_memory_mib > 50
    parts = math.fsum(step.extraction_seconds for step in outcome.steps)
    assert outcome.extraction_seconds == pytest.approx(parts)
    assert outcome.peak_memory_mib == max(step.peak_memory_mib for step in outcome.steps)


def test_another_seed_finds_every_image_stored_whatever_its_split(config, tmp_path):
    method, _ = learned(config(), tmp_path / "first")
    assert method.context.features.extracted == 60
    method, outcome = learned(config(seed=1), tmp_path / "second")
    assert method.context.features.extracted == 0
    assert [step.extraction_seconds for step in outcome.steps] == [0, 0, 0]


def test_steps_survive_a_run_that_breaks_off(config, tmp_path, monkeypatch):
    from mlff_cli.runs import loop as runner

    score, calls = runner._score, []

    def breaking(*arguments, **keys):
        calls.append(keys["step"].index)
        if calls == [1, 2]:
            raise KeyboardInterrupt
        return score(*arguments, **keys)

    monkeypatch.setattr(runner, "_score", breaking)
    with pytest.raises(KeyboardInterrupt):
        learned(config(), tmp_path / "state")
    _, outcome = learned(config(), tmp_path / "state")
    assert calls == [1, 2, 2, 3]
    assert len(outcome.steps) == 3
    assert outcome.steps[0].images_extracted == 20
    assert outcome.steps[1].images_extracted == 0, "stored before the run broke off"
