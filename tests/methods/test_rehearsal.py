"""Exemplars: which images they are, what is kept of them, and what they are for."""

import pytest
import torch
from configs_for_tests import digits_manifest, learned, small_config, task_of, tiny_backbone

from mlff_cli.errors import UserError
from mlff_cli.features.columns import Columns, Whole
from mlff_cli.features.pooling import LevelInput
from mlff_cli.heads.classifier import Classifier
from mlff_cli.heads.multi_label import MultiLabel
from mlff_cli.heads.regressor import Regressor
from mlff_cli.methods.base import Journal
from mlff_cli.methods.rehearsal import Exemplars, Memory
from mlff_cli.runs.adapters_file import KEPT, load_adapters, save_adapters
from mlff_cli.runs.building import build_method
from mlff_cli.tasks.record import Record

CPU = torch.device("cpu")
CLASSIFIER = Classifier(2, ("good", "pit", "dent"), hidden=0, label_smoothing=0.0)
LABELS = MultiLabel(2, ("pit", "dent"), hidden=0)
NUMBERS = Regressor(2, ("dx", "dy"), hidden=0)
MAP, MEAN = LevelInput("blocks.0", "map"), LevelInput("blocks.0", "mean")


def records(*labels, targets=()):
    return [
        Record(str(place), None, labels=own, targets=targets) for place, own in enumerate(labels)
    ]


def exemplars(head, images, places):
    count = len(images)
    variations = [
        Columns(Whole([torch.randn(count, 3, 2, 2), torch.randn(count, 3)])) for _ in range(2)
    ]
    kept = Exemplars.of(images, places, head, variations=variations, inputs=[MAP, MEAN])
    return kept, variations


def test_maps_are_kept_in_half_precision_and_every_variation_takes_its_turn():
    images = records(*[("good",)] * 3, *[("pit",)] * 3)
    kept, variations = exemplars(CLASSIFIER, images, [1, 4])
    assert kept.targets.tolist() == [0, 1]
    assert kept.nbytes == 2 * (2 * 12 * 2 + 2 * 3 * 4)
    part = kept.part(CLASSIFIER, CPU)
    for epoch in (1, 2, 3):
        maps, means = part.examples(epoch)[torch.tensor([1])]
        expected_maps, expected_means = variations[epoch % 2][torch.tensor([4])]
        assert torch.equal(maps, expected_maps.half().float())
        assert torch.equal(means, expected_means)


def test_a_label_that_came_later_is_on_no_image_of_before():
    head = MultiLabel(2, ("pit",), hidden=0)
    kept, _ = exemplars(head, records(("pit",), ()), [0, 1])
    head.grow(["pit", "dent"])
    assert kept.part(head, CPU).targets.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_what_is_kept_goes_through_tensors_and_comes_back_whole():
    memory = Memory()
    for experience in ("b", "ä 1"):
        kept, _ = exemplars(CLASSIFIER, records(("good",), ("pit",), ("dent",)), [0, 2])
        memory.add("shared", experience, kept)
    again = Memory()
    again.load(memory.tensors())
    assert {name: list(own) for name, own in again.kept.items()} == {"shared": ["b", "ä 1"]}
    tensors = again.tensors()
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in memory.tensors().items())
    assert len(again.parts("shared", CLASSIFIER, CPU)) == 2
    assert again.parts("another", CLASSIFIER, CPU) == []
    for gone in ('["shared", "b"]', '["shared", "b", 0, 1]'):
        with pytest.raises(RuntimeError, match="exemplars of 'b' are incomplete"):
            again.load({name: t for name, t in memory.tensors().items() if name != gone})


@pytest.fixture
def batches(tmp_path, weights_of):
    """Return a config whose three batches of digits share a head."""

    def make(schedule="by_batch", fusion="conv1x1", **keys):
        file = digits_manifest(
            tmp_path, "label,batch", lambda digit, scale: f"{digit % 4},b{scale % 3}", count=120
        )
        base = tiny_backbone(weights_of) | {"data.file": str(file), "features.variations": 2}
        return small_config(
            tmp_path, backbone="timm", data="csv", schedule=schedule, fusion=fusion,
            keys=base | keys,
        )  # fmt: skip

    return make


def after_all(config):
    method = build_method(config)
    for step in method.steps(task_of(config).experiences):
        method.begin(step)
        method.learn(step, Journal())
    return method


@pytest.mark.parametrize("fusion", ["conv1x1", "local"])
def test_a_shared_head_keeps_exemplars_of_every_experience(fusion, batches):
    method = after_all(batches(fusion=fusion, **{"method.rehearsal": 2}))
    (own,) = method.memory.kept.values()
    assert set(own) == {"b0", "b1", "b2"}
    for exemplars_of_one in own.values():
        assert torch.bincount(exemplars_of_one.targets).tolist() == [2, 2, 2, 2]
        assert len(exemplars_of_one.variations) == 2


def test_heads_of_their_own_keep_nothing(batches):
    assert after_all(batches("by_product", **{"schedule.line": "batch"})).state().kept == {}
    assert after_all(batches(**{"method.rehearsal": 0})).state().kept == {}


def test_exemplars_lie_in_a_file_of_their_own_and_damage_is_noticed(batches, tmp_path):
    method = after_all(batches(**{"method.rehearsal": 1}))
    save_adapters(tmp_path / "adapters", method.state(), fingerprint="f")
    state = load_adapters(tmp_path / "adapters", "f")
    assert set(state.kept) == set(method.state().kept)
    file = tmp_path / "adapters" / KEPT
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(UserError, match=f"{KEPT}: is damaged"):
        load_adapters(tmp_path / "adapters", "f")
    file.unlink()
    with pytest.raises(UserError, match=f"{KEPT}: cannot be read"):
        load_adapters(tmp_path / "adapters", "f")


def test_classes_of_before_are_still_known_where_they_are_rehearsed(batches, tmp_path):
    keys = {"method.epochs": 12, "schedule.classes_per_experience": 2, "method.distillation": 0.0}
    scores = {}
    for rehearsal in (0, 8):
        config = batches("by_class", **keys, **{"method.rehearsal": rehearsal})
        _, outcome = learned(config, tmp_path / str(rehearsal))
        scores[rehearsal] = outcome.matrix.score("accuracy", 2, 1).value
    assert scores[8] > scores[0] + 0.1


def test_balanced_weights_count_what_is_rehearsed(batches):
    config = batches("by_class", **{"schedule.classes_per_experience": 2})
    config["head"]["class_weights"] = "balanced"
    weights = after_all(config).adapters["shared"].weights
    assert len(weights) == 4 and bool((weights > 0).all())


def test_of_several_shares_the_mean_frequency_of_a_class_counts():
    head = Classifier(2, ("a", "b", "c"), hidden=0, label_smoothing=0.0, class_weights="balanced")
    new, old = torch.tensor([2, 2]), torch.tensor([0, 0, 0, 1])
    head.weigh(new, old)  # half of a batch is c, three eighths a, an eighth b
    torch.testing.assert_close(head.weights, torch.tensor([8 / 9, 8 / 3, 2 / 3]))
