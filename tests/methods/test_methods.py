"""What each method trains, what it leaves alone, and what it counts."""

from functools import partial

import pytest
import torch
from configs_for_tests import digits_manifest, learned, small_config, task_of, tiny_backbone

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.methods.base import Journal, Method
from mlff_cli.methods.training_features import TrainingFeatures
from mlff_cli.runs.building import build_method
from mlff_cli.runs.registry import class_of


def tiny_config(folder, weights_of, **choices):
    keys = {**tiny_backbone(weights_of), **choices.pop("keys", {})}
    return small_config(folder, backbone="timm", keys=keys, **choices)


def begun(config):
    """Return the method and its steps."""
    learned = [e for e in task_of(config).experiences if e.learned]
    method = build_method(config)
    return method, method.steps(learned)


def tensors(method):
    return method.state().tensors


def learn(method, step):
    method.begin(step)
    method.learn(step, Journal())


@pytest.fixture
def networks(monkeypatch):
    """Every network that is built during the test, with its state at that time."""
    built = []
    original = BackboneRecipe.build

    def build(self):
        network = original(self)
        built.append((network, {n: t.clone() for n, t in network.state_dict().items()}))
        return network

    monkeypatch.setattr(BackboneRecipe, "build", build)
    return built


def changed(network, before):
    now = network.state_dict()
    assert set(now) == set(before)
    return {name for name, tensor in now.items() if not torch.equal(tensor, before[name])}


@pytest.mark.parametrize("method", ["mlff", "linear_probe", "joint"])
@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "timm"])
def test_a_frozen_backbone_is_left_as_it_was(method, backbone, networks, tmp_path, weights_of):
    keys = tiny_backbone(weights_of) if backbone == "timm" else {}
    keys |= {"features.variations": 2, "data.images_per_class": 4}
    config = small_config(tmp_path, backbone=backbone, method=method, keys=keys)
    trained, _ = learned(config, tmp_path / "state")
    trained.adapters.train()
    (built,) = networks
    assert changed(*built) == set()
    assert not any(module.training for module in built[0].modules())


def test_fine_tuning_changes_every_weight_and_every_statistic(networks, tmp_path, weights_of):
    config = tiny_config(tmp_path, weights_of, method="finetune")
    method, _ = learned(config, tmp_path / "state")
    (built,) = networks
    network, before = built
    assert changed(network, before) == set(before)
    assert not any(module.training for module in network.modules())
    assert method.trainable_parameters() == method.full_parameters()
    assert method.trainable_parameters() == 82_300 + 3 * 5 * (64 + 1)


def test_fine_tuning_takes_the_constants_of_the_fusion_layer_from_the_first_experience(
    tmp_path, weights_of
):
    method, steps = begun(tiny_config(tmp_path, weights_of, method="finetune"))
    scaling = method.adapters.fusion.scaling
    seen = [scaling.mean.clone()]
    for step in steps[:2]:
        learn(method, step)
        seen.append(scaling.mean.clone())
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[1], seen[2])


@pytest.mark.parametrize("fusion", ["conv1x1", "authors"])
def test_mlff_changes_fusion_and_the_new_head_alone(fusion, tmp_path, weights_of):
    config = tiny_config(tmp_path, weights_of, fusion=fusion)
    method, steps = begun(config)
    before = {}
    for number, step in enumerate(steps):
        method.begin(step)
        before = tensors(method)
        method.learn(step, Journal())
        now = tensors(method)
        moved = {name for name in now if not torch.equal(now[name], before[name])}
        assert {name for name in moved if "heads" in name} == {
            f"adapters.heads.{number}.{part}" for part in ("linear.weight", "linear.bias", "fitted")
        }
        constants = {name for name in moved if ".scaling." in name}
        assert bool(constants) == (number == 0 and fusion == "conv1x1")
        assert ("adapters.fusion.fitted" in moved) == (number == 0)
        assert any("fusion" in name for name in moved - constants - {"adapters.fusion.fitted"})
    assert not method.adapters.training


@pytest.mark.parametrize("fusion", ["deepest", "authors", "conv1x1"])
def test_a_linear_probe_trains_heads_alone_whatever_it_reads(fusion, tmp_path, weights_of):
    config = tiny_config(tmp_path, weights_of, method="linear_probe", fusion=fusion)
    method, steps = begun(config)
    for step in steps:
        method.begin(step)
        before = tensors(method)
        method.learn(step, Journal())
        moved = {n for n, tensor in tensors(method).items() if not torch.equal(tensor, before[n])}
        constants = {name for name in moved if ".scaling." in name}
        assert all("heads" in n for n in moved - constants - {"adapters.fusion.fitted"})
        assert bool(constants) == (step.index == 1 and fusion != "authors")
    width = method.adapters.fusion.width
    assert method.trainable_parameters() == 3 * 5 * (width + 1)


def test_the_saving_is_counted_against_the_whole_network_with_plain_heads(tmp_path, weights_of):
    config = tiny_config(tmp_path, weights_of, keys={"fusion.width": 16})
    method, steps = begun(config)
    for step in steps:
        method.begin(step)
    channels = [16, 24, 32, 48, 64]  # max, min and range of each level have a convolution each
    fusion = 3 * sum(channels) * 16 + 16 + len(channels)
    assert method.trainable_parameters() == fusion + 3 * 5 * (16 + 1)
    assert method.full_parameters() == 82_300 + 3 * 5 * (64 + 1)


def test_distillation_of_weight_0_is_none(tmp_path, weights_of):
    states = {}
    for weight in (0.0, 1e-12, 1.0):
        config = tiny_config(tmp_path, weights_of, keys={"method.distillation": weight})
        states[weight] = tensors(learned(config, tmp_path / str(weight))[0])
    name = "adapters.fusion.convolutions.weight"
    torch.testing.assert_close(states[0.0][name], states[1e-12][name])
    assert not torch.equal(states[0.0][name], states[1.0][name])


def test_a_large_weight_of_distillation_holds_the_descriptor_where_it_was(tmp_path, weights_of):
    drifts = []
    for weight in (0.0, 1.0, 100.0):
        keys = {"method.distillation": weight, "method.epochs": 40, "method.learning_rate": 0.01}
        method, steps = begun(tiny_config(tmp_path, weights_of, keys=keys))
        first, second = steps[:2]
        columns = method.read([record.image for record in second.records("train")])
        learn(method, first)
        before = method.descriptors(columns, first.name)
        learn(method, second)
        after = method.descriptors(columns, first.name)
        drifts.append((after - before).pow(2).mean().item())
    assert drifts[0] > 2 * drifts[1] > 4 * drifts[2] > 0


def test_distillation_holds_nothing_in_the_first_experience(tmp_path, weights_of):
    states = []
    for weight in (0.0, 100.0):
        keys = {"method.distillation": weight}
        method, steps = begun(tiny_config(tmp_path, weights_of, keys=keys))
        learn(method, steps[0])
        states.append(tensors(method))
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_joint_learns_every_head_and_gives_the_last_row_alone(tmp_path, weights_of):
    config = tiny_config(tmp_path, weights_of, method="joint", keys={"method.epochs": 20})
    method, outcome = learned(config, tmp_path / "state")
    scores = outcome.matrix.array("accuracy")
    assert scores.shape == (4, 3)
    assert bool(torch.tensor(scores[:3]).isnan().all())
    assert not bool(torch.tensor(scores[3]).isnan().any())
    assert len(outcome.training_seconds) == 1
    fresh, (step,) = begun(config)
    assert [e.name for e in step.experiences] == list(outcome.matrix.experiences)
    fresh.begin(step)
    now = tensors(method)
    untouched = [n for n, t in tensors(fresh).items() if "heads" in n and torch.equal(t, now[n])]
    assert untouched == []


def test_joint_takes_the_constants_of_a_shared_regressor_from_all_experiences(tmp_path, weights_of):
    def row(digit, side):
        return f"b{digit % 2},{side + 100 * (digit % 2)}"

    manifest = digits_manifest(tmp_path, "batch,target_side", row, count=40)
    config = tiny_config(
        tmp_path, weights_of, data="csv", schedule="by_batch", head="regressor", method="joint",
        keys={"data.file": str(manifest)},
    )  # fmt: skip
    method, outcome = learned(config, tmp_path / "state")
    _, (step,) = begun(config)
    targets = torch.tensor([record.targets for record in step.records("train")])
    (head,) = method.adapters.heads
    torch.testing.assert_close(head.mean, targets.mean(0))
    assert float(head.spread) > 40
    assert outcome.matrix.metrics == ["mae", "mae target_side"]


@pytest.mark.parametrize("method", ["mlff", "finetune", "joint", "linear_probe"])
@pytest.mark.parametrize("head", ["classifier", "multi_label"])
def test_a_head_that_grows_learns_new_classes_with_every_method(method, head, tmp_path, weights_of):
    config = tiny_config(
        tmp_path, weights_of, method=method, head=head, schedule="by_class",
        keys={"schedule.classes_per_experience": 4, "method.epochs": 1},
    )  # fmt: skip
    trained, outcome = learned(config, tmp_path / "state")
    experiences = outcome.matrix.experiences
    assert [*trained.heads] == ["shared"]
    assert len(experiences) == 3  # 11 classes in fours
    assert trained.heads["shared"] == task_of(config).experiences[-1].outputs
    assert trained.adapters["shared"].n_outputs == 11
    assert all(outcome.matrix.score("mAP", 3, scored).n for scored in (1, 2, 3))
    if method != "joint":
        # Not scored before its classes are known to the head.
        assert outcome.matrix.score("mAP", 1, 2).n is None


@pytest.mark.parametrize("fusion", ["conv1x1", "authors"])
@pytest.mark.parametrize("method", ["mlff", "joint", "finetune"])
def test_a_last_batch_of_one_is_learned_from(method, fusion, tmp_path, weights_of):
    """15 images of each product train in batches of 7: a batch of one would stop BatchNorm."""
    keys = {"method.batch_size": 7, "head.hidden": 8, "splits.test": 0.25, "splits.validation": 0.0}
    config = tiny_config(tmp_path, weights_of, method=method, fusion=fusion, keys=keys)
    counts = {len(e.train) for e in task_of(config).experiences}
    assert counts == {15}
    _, outcome = learned(config, tmp_path / "state")
    assert outcome.matrix.score("mAP", 3, 3).n == 5


def features_of(method, step):
    images = [record.image for record in step.records("train")]
    inputs = method.adapters.fusion.inputs
    return TrainingFeatures(method.context, images, inputs, partial(method.seed_of, step.index))


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one[:], other[:], strict=True))


def test_variations_are_trained_on_in_turn(tmp_path, weights_of):
    config = tiny_config(tmp_path, weights_of, keys={"features.variations": 3})
    method, steps = begun(config)
    learn(method, steps[0])
    images = sum(len(steps[0].records(split)) for split in ("train", "validation", "test"))
    assert method.context.features.extracted == images + 2 * len(steps[0].records("train"))
    by_epoch = features_of(method, steps[0])
    assert by_epoch(3) is by_epoch.plain
    assert by_epoch(1) is by_epoch(4)
    assert not same(by_epoch(1), by_epoch.plain)
    assert not same(by_epoch(1), by_epoch(2))


@pytest.mark.parametrize("method", ["mlff", "joint"])
def test_variations_that_cannot_be_stored_are_said_and_drawn_anew(
    method, tmp_path, weights_of, caplog
):
    keys = {"features.variations": 0, "method.epochs": 2}
    config = tiny_config(tmp_path, weights_of, method=method, keys=keys)
    with caplog.at_level("INFO", "mlff_cli"):
        trained, _ = learned(config, tmp_path / "state")
    assert "features.variations=0: variations are drawn anew and cannot be stored" in caplog.text
    experiences = task_of(config).experiences
    images = sum(len(e.train) for e in experiences)
    plain = sum(len(e.train) + len(e.validation) + len(e.test) for e in experiences)
    assert trained.context.features.extracted == plain + 2 * images
    step = trained.steps(experiences)[0]
    by_epoch = features_of(trained, step)
    first = by_epoch(1)
    assert not same(by_epoch(2), first)
    assert same(features_of(trained, step)(1), first)
    again, _ = learned(config, tmp_path / "again")
    assert all(torch.equal(tensor, tensors(again)[n]) for n, tensor in tensors(trained).items())


def test_the_weights_of_fusion_and_heads_follow_the_seed_alone(tmp_path, weights_of):
    """Whether the backbone had to be built must not show in what is drawn after it."""
    states = []
    for seed in (0, 0, 1):
        method, steps = begun(tiny_config(tmp_path, weights_of, keys={"seed": seed}))
        method.begin(steps[0])
        states.append(tensors(method))
    first, second, other = states
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    name = "adapters.fusion.convolutions.weight"
    assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize("method", ["mlff", "joint", "linear_probe", "finetune"])
def test_a_state_makes_the_heads_that_it_names_and_gives_the_same_scores(
    method, tmp_path, weights_of
):
    config = tiny_config(tmp_path, weights_of, method=method)
    trained, _ = learned(config, tmp_path / "state")
    fresh = build_method(config)
    assert fresh.heads == {}
    fresh.load(trained.state())
    assert fresh.heads == trained.heads
    assert fresh.trainable_parameters() == trained.trainable_parameters()
    for experience in task_of(config).experiences:
        images = [record.image for record in experience.test]
        scores = trained.scores(experience.head, images)
        assert scores.shape == (len(images), len(experience.outputs))
        assert (fresh.scores(experience.head, images) == scores).all()


def test_a_state_of_another_method_does_not_fit(tmp_path, weights_of):
    state = learned(tiny_config(tmp_path, weights_of, method="finetune"), tmp_path / "state")[
        0
    ].state()
    other = build_method(tiny_config(tmp_path, weights_of, method="linear_probe"))
    with pytest.raises(RuntimeError, match="backbone"):
        other.load(state)


def test_what_a_method_works_on_is_said_by_its_class():
    names = ("mlff", "joint", "linear_probe", "finetune")
    kinds = [class_of("methods", name, Method).reads_features for name in names]
    assert kinds == [True, True, True, False]
