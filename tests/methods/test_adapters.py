"""One fusion layer for all heads, or one of its own for each: who decides, and what then stays."""

import pytest
import torch
from configs_for_tests import learned, small_config, task_of, tiny_backbone

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.errors import UserError
from mlff_cli.fusion.conv1x1 import Conv1x1Fusion
from mlff_cli.heads.classifier import Classifier
from mlff_cli.methods.adapters import Adapters
from mlff_cli.methods.base import Journal
from mlff_cli.methods.mlff import MultiLevelFeatureFusion
from mlff_cli.runs.building import build_method

LEVELS = (LevelInfo("shallow", 3, 4), LevelInfo("deep", 5, 32))


@pytest.fixture
def config(tmp_path, weights_of):
    def make(**choices):
        keys = tiny_backbone(weights_of) | {"fusion.shared": "auto", "fusion.width": 8}
        keys |= choices.pop("keys", {})
        return small_config(
            tmp_path, **{"backbone": "timm", "fusion": "local", **choices, "keys": keys}
        )

    return make


def adapters(*, own_fusion):
    return Adapters(
        lambda: Conv1x1Fusion(LEVELS, width=4, pooling=["mean"]),
        lambda width, outputs: Classifier(width, outputs, hidden=0, label_smoothing=0.0),
        own_fusion=own_fusion,
    )


def layers_of(method):
    return len(method.adapters.fusion_layers())


def test_each_head_reads_its_own_layer_or_all_read_one():
    for own, layers in ((True, 2), (False, 1)):
        made = adapters(own_fusion=own)
        assert len(made.fusion_layers()) == 1
        made.provide("a", ("good", "bad"))
        made.provide("b", ("good",))
        made.provide("b", ("good", "bad"))
        assert len(made.fusion_layers()) == layers
        assert made.fusion_of("a") is made.fusion
        assert (made.fusion_of("b") is made.fusion) is not own
        with torch.no_grad():
            made.fusion_of("b").convolutions.weight.zero_()
            made.fusion_of("b").convolutions.bias.zero_()
        inputs = [torch.randn(2, 3), torch.randn(2, 5)]
        blind = made(inputs, "a")[0].sub(made(inputs, "a")[1]).abs().sum() == 0
        assert bool(blind) is not own
        assert torch.equal(made(inputs, "b")[0], made(inputs, "b")[1])


def test_one_head_alone_reads_a_new_layer_or_that_of_all():
    for own in (True, False):
        made = adapters(own_fusion=own)
        made.provide("a", ("good", "bad"))
        alone = made.alone("b", ("x", "y", "z"))
        assert alone.outputs == {"b": ("x", "y", "z")}
        assert (alone.fusion is made.fusion) is not own
        assert alone.own_fusion is own
        assert not alone.training
        assert made.outputs == {"a": ("good", "bad")}


def test_one_layer_for_all_is_kept_under_the_names_it_always_had():
    made = adapters(own_fusion=False)
    made.provide("a", ("good", "bad"))
    made.provide("b", ("good", "bad"))
    assert {name.partition(".")[0] for name in made.state_dict()} == {"fusion", "heads"}


@pytest.mark.parametrize("fusion", ["local", "conv1x1", "authors"])
def test_nothing_of_an_old_product_changes_with_the_next(fusion, config):
    run = config(fusion=fusion)
    method, experiences = build_method(run), task_of(run).experiences
    seen = {}
    for step in method.steps(experiences):
        method.begin(step)
        method.learn(step, Journal())
        for experience in experiences[: step.index]:
            images = [record.image for record in experience.test]
            scores = method.scores(experience.head, images)
            assert (scores == seen.setdefault(experience.name, scores)).all()
    assert layers_of(method) == len(seen) == 3


def test_a_shared_layer_changes_what_old_heads_say(config):
    run = config(keys={"fusion.shared": True})
    method, experiences = build_method(run), task_of(run).experiences
    images = [record.image for record in experiences[0].test]
    scores = []
    for step in method.steps(experiences)[:2]:
        method.begin(step)
        method.learn(step, Journal())
        scores.append(method.scores(experiences[0].head, images))
    assert layers_of(method) == 1
    assert (scores[0] != scores[1]).any()


@pytest.mark.parametrize("method", ["joint", "linear_probe", "finetune"])
def test_other_methods_share_one_layer(method, config, tmp_path):
    trained, outcome = learned(config(method=method, fusion="local"), tmp_path / "state")
    assert layers_of(trained) == 1
    assert outcome.matrix.score("mAP", 3, 3).n == 5


@pytest.mark.parametrize("schedule", ["by_class", "unseen_product"])
def test_a_shared_head_reads_one_layer_which_distillation_holds(schedule, config, tmp_path):
    states = []
    keys = {"data.labelling": "good_defect"} if schedule == "unseen_product" else {}
    for weight in (0.0, 10.0):
        run = config(schedule=schedule, keys={**keys, "method.distillation": weight})
        method, _ = learned(run, tmp_path / str(weight))
        assert layers_of(method) == 1
        states.append(method.adapters.fusion.first.weight)
    assert not torch.equal(*states)


def test_distillation_holds_nothing_where_layers_are_own(config, tmp_path):
    states = []
    for weight in (0.0, 10.0):
        method, _ = learned(config(keys={"method.distillation": weight}), tmp_path / str(weight))
        states.append(method.state().tensors)
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_what_a_step_changed_is_its_own_head_and_layer(config, tmp_path):
    method, _ = learned(config(), tmp_path / "state")
    whole, names = method.state(), set()
    for step in method.steps(task_of(config()).experiences):
        changed = method.changed_state(step)
        assert not changed.whole
        assert changed.heads == whole.heads
        assert not changed.tensors.keys() & names
        assert all(torch.equal(t, whole.tensors[name]) for name, t in changed.tensors.items())
        names |= changed.tensors.keys()
    assert names == whole.tensors.keys()


def test_where_more_may_have_changed_nothing_is_told_of_a_step(config, tmp_path):
    run = config(keys={"fusion.shared": True})
    method, _ = learned(run, tmp_path / "state")
    step = method.steps(task_of(run).experiences)[0]
    assert method.changed_state(step) is None

    class WithMore(MultiLevelFeatureFusion):
        def state(self):
            return super().state()

    class WithAnother(MultiLevelFeatureFusion):
        def trained(self):
            return super().trained() | {"another": torch.nn.Linear(1, 1)}

    own, _ = learned(config(), tmp_path / "own")
    assert own.heads_are_apart
    own.__class__ = WithMore
    assert own.heads_are_apart
    assert own.changed_state(step) is None
    own.__class__ = WithAnother
    assert not own.heads_are_apart
    assert own.changed_state(step) is None


def test_every_layer_is_counted_and_begins_by_the_seed_of_its_experience(config):
    method = build_method(config())
    steps = method.steps(task_of(config()).experiences)
    counts = []
    for step in steps:
        method.begin(step)
        counts.append(method.trainable_parameters())
    assert counts == [counts[0], 2 * counts[0], 3 * counts[0]]
    first, second, third = (layer.first.weight for layer in method.adapters.fusion_layers())
    assert not torch.equal(second, third) and not torch.equal(first, second)
    again = build_method(config())
    again.begin(steps[0])
    again.learn(steps[0], Journal())  # draws numbers, which must not show in what begins next
    again.begin(steps[1])
    assert torch.equal(again.adapters.fusion_of(steps[1].name).first.weight, second)


def test_constants_are_those_of_the_product_that_a_layer_is_for(config, tmp_path):
    method, _ = learned(config(), tmp_path / "state")
    means = [layer.scalings[0].mean for layer in method.adapters.fusion_layers()]
    assert not torch.equal(means[0], means[1]) and not torch.equal(means[1], means[2])


def test_shares_of_levels_are_the_mean_over_layers(config, tmp_path):
    method, _ = learned(config(fusion="conv1x1"), tmp_path / "state")
    shares = [layer.level_weights() for layer in method.adapters.fusion_layers()]
    assert len(shares) == 3
    for name, share in method.level_weights().items():
        assert share == pytest.approx(sum(layer[name] for layer in shares) / 3)
    assert sum(method.level_weights().values()) == pytest.approx(1.0)


def test_a_state_brings_every_layer_along(config, tmp_path):
    trained, _ = learned(config(), tmp_path / "state")
    fresh = build_method(config())
    fresh.load(trained.state())
    assert layers_of(fresh) == 3
    assert fresh.trainable_parameters() == trained.trainable_parameters()
    for experience in task_of(config()).experiences:
        images = [record.image for record in experience.test]
        assert (
            fresh.scores(experience.head, images) == trained.scores(experience.head, images)
        ).all()
    shared = build_method(config(keys={"fusion.shared": True}))
    with pytest.raises(RuntimeError, match=r"further\.0"):
        shared.load(trained.state())


def test_insisting_on_own_layers_where_there_cannot_be_any_is_refused(config):
    run = config(method="joint", keys={"fusion.shared": False})
    method = build_method(run)
    with pytest.raises(UserError, match=r"fusion\.shared=false: .*method=mlff.*shared=auto"):
        method.begin(method.steps(task_of(run).experiences)[0])
    run = config(schedule="by_class", keys={"fusion.shared": False})
    method = build_method(run)
    with pytest.raises(UserError, match=r"fusion\.shared=false: .*no head of its own.*separate"):
        method.begin(method.steps(task_of(run).experiences)[0])
    run = config(keys={"fusion.shared": False})
    method = build_method(run)
    for step in method.steps(task_of(run).experiences):
        method.begin(step)
    assert layers_of(method) == 3


@pytest.mark.parametrize("method", ["mlff", "joint", "finetune"])
@pytest.mark.parametrize("batch_size", [7, 2])
def test_a_ragged_last_batch_is_learned_from(method, batch_size, config, tmp_path):
    """15 images of each product: batches of 7 would end in one image, batches of 2 in three."""
    keys = {"method.batch_size": batch_size, "splits.validation": 0.0, "fusion.pooled": ["mean"]}
    _, outcome = learned(config(method=method, fusion="local", keys=keys), tmp_path / "state")
    assert outcome.matrix.score("mAP", 3, 3).n == 5
