"""What a run knows of its own images: taken from which, kept how, and when nothing is known."""

import json
import random
from dataclasses import replace

import pytest
import torch
from configs_for_tests import digits_manifest, learned, task_of

from mlff_cli.errors import UserError
from mlff_cli.heads.novelty import Novelty
from mlff_cli.methods.base import State
from mlff_cli.runs import calibrating
from mlff_cli.runs.adapters_file import (
    CALIBRATION,
    DESCRIPTION,
    TENSORS,
    load_adapters,
    load_calibration,
    save_adapters,
)
from mlff_cli.runs.calibrating import calibrated
from mlff_cli.runs.calibration import Calibration, HeadCalibration, novelty_descriptors

BACKBONE = "ab" * 32


@pytest.fixture
def known(config, tmp_path):
    """Give what is known after a run, its experiences and its method."""

    def made(**choices):
        few = {} if "data" in choices else {"data.images_per_class": 8}
        chosen = config(**{**choices, "keys": few | choices.get("keys", {})})
        method, _ = learned(chosen, tmp_path / "state")
        experiences = task_of(chosen).experiences
        return calibrated(chosen, experiences, method), experiences, method

    return made


def novelty(seed):
    draw = torch.Generator().manual_seed(seed)
    rows, places = torch.randn(40, 6, generator=draw), torch.arange(40) % 2
    return Novelty.fitted((rows, places), (rows[:20], places[:20]), axes=3)


def same(one, two):
    return one.tensors().keys() == two.tensors().keys() and all(
        torch.equal(tensor, two.tensors()[name]) for name, tensor in one.tensors().items()
    )


AWKWARD = Calibration(
    {'../Größe "7", x': HeadCalibration(novelty(0), torch.tensor([0.25, 0.5])),
     "numbers": HeadCalibration(novelty(1), torch.empty(0))},
    {"正": novelty(2), "head": novelty(3)},
)  # fmt: skip


def test_tensors_and_back(tmp_path):
    again = Calibration.of_tensors(AWKWARD.tensors())
    assert same(again, AWKWARD)
    assert list(again.heads) == list(AWKWARD.heads)
    assert Calibration.of_tensors({}) == Calibration()
    state = learned_state()
    save_adapters(tmp_path, state, fingerprint=BACKBONE, calibration=AWKWARD)
    assert same(load_calibration(tmp_path), AWKWARD)
    assert load_adapters(tmp_path, BACKBONE).heads == state.heads


def learned_state():
    return State({"a": ("good", "pit")}, {"adapters.heads.0.bias": torch.zeros(2)})


def test_a_run_of_before_knows_nothing_and_its_adapters_are_the_same_bytes(tmp_path):
    before, now = tmp_path / "before", tmp_path / "now"
    save_adapters(before, learned_state(), fingerprint=BACKBONE)
    assert load_calibration(before) == Calibration()
    save_adapters(now, learned_state(), fingerprint=BACKBONE, calibration=Calibration())
    for name in (TENSORS, DESCRIPTION):
        assert (before / name).read_bytes() == (now / name).read_bytes()
    assert not (now / CALIBRATION).exists()


def test_any_changed_byte_of_the_file_is_noticed(tmp_path):
    save_adapters(tmp_path, learned_state(), fingerprint=BACKBONE, calibration=AWKWARD)
    file = tmp_path / CALIBRATION
    content = file.read_bytes()
    draw = random.Random(0)
    for place in range(0, len(content), 7):
        changed = bytes([content[place] ^ draw.randrange(1, 256)])
        file.write_bytes(content[:place] + changed + content[place + 1 :])
        with pytest.raises(UserError, match=str(file)):
            load_calibration(tmp_path)
    file.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        load_calibration(tmp_path)


def test_a_file_that_lacks_a_part_is_refused(tmp_path, monkeypatch):
    tensors = AWKWARD.tensors()
    del tensors[json.dumps(("head", "numbers", "rest"))]
    incomplete = type("Incomplete", (), {"tensors": lambda self: tensors})()
    save_adapters(tmp_path, learned_state(), fingerprint=BACKBONE, calibration=incomplete)
    with pytest.raises(UserError, match=rf"{CALIBRATION}: is damaged .*rest"):
        load_calibration(tmp_path)


def test_it_is_taken_from_training_and_validation_images(known):
    found, experiences, method = known()
    assert list(found.heads) == list(found.experiences) == [e.name for e in experiences]
    for experience in experiences:
        own, sketch = found.heads[experience.head], found.experiences[experience.name]
        assert own.novelty.means.shape[0] == len(experience.outputs)
        assert len(own.novelty.distances) == len(own.truths) == len(experience.validation)
        assert len(sketch.distances) == len(experience.validation)
        assert bool((own.truths.diff() >= 0).all())
        images = [record.image for record in experience.validation]
        scores, read = method.answers(experience.head, images)
        descriptors = novelty_descriptors(method, images, read)
        places = [experience.outputs.index(record.labels[0]) for record in experience.validation]
        truths = sorted(row[place] for row, place in zip(scores, places, strict=True))
        assert own.truths.tolist() == pytest.approx(truths)
        distances = own.novelty.distances_of(descriptors)[torch.arange(len(places)), places]
        assert own.novelty.distances.tolist() == pytest.approx(sorted(distances.tolist()))


def test_where_validation_images_are_scored_nothing_is_known(known):
    found, _, _ = known(keys={"splits.scored": "validation"})
    assert found == Calibration()
    assert found.tensors() == {}


def test_without_validation_images_nothing_is_known(known):
    found, _, _ = known(keys={"splits.validation": 0.0})
    assert found == Calibration()


def test_batches_that_share_a_head_are_known_together_and_each_alone(known):
    found, experiences, _ = known(schedule="by_batch", data="placement")
    (head,) = {experience.head for experience in experiences}
    assert list(found.heads) == [head]
    count = sum(len(experience.validation) for experience in experiences)
    assert len(found.heads[head].novelty.distances) == count
    assert list(found.experiences) == [experience.name for experience in experiences]


def test_classes_in_turn_are_all_known_by_the_head_that_grew(known):
    found, experiences, method = known(schedule="by_class")
    (own,) = found.heads.values()
    outputs = method.heads[experiences[-1].head]
    assert own.novelty.means.shape[0] == len(outputs) > len(experiences[0].outputs)


def test_what_was_never_learned_is_not_its_own(known):
    found, experiences, _ = known(
        schedule="unseen_product",
        data="surfaces",
        keys={
            "data.labelling": "good_defect",
            "data.images_per_class": 8,
            "schedule.unseen": ["woven_fabric"],
        },
    )
    assert "woven_fabric" in {experience.name for experience in experiences}
    assert "woven_fabric" not in found.experiences
    (own,) = found.heads.values()
    learned_ones = [experience for experience in experiences if experience.learned]
    assert len(own.truths) == sum(len(experience.validation) for experience in learned_ones)


def test_numbers_have_no_classes(known):
    keys = {"data.labelling": "offsets", "data.images_per_class": 8}
    found, _, _ = known(data="placement", schedule="by_batch", head="regressor", keys=keys)
    (own,) = found.heads.values()
    assert own.novelty.means.shape[0] == 1
    assert own.truths.shape == (0,)


def test_where_several_labels_may_be_right_there_is_one_class(known, tmp_path):
    file = digits_manifest(
        tmp_path, "labels", lambda digit, side: "odd;dark" if digit % 2 else "dark", count=60
    )
    found, _, _ = known(data="csv", head="multi_label", keys={"data.file": str(file)})
    (own,) = found.heads.values()
    assert own.novelty.means.shape[0] == 1
    assert own.truths.shape == (0,)


def test_a_backbone_that_learns_keeps_nothing_that_tells_products_apart(known):
    found, experiences, _ = known(method="finetune", keys={"method.epochs": 1})
    assert list(found.heads) == [experience.head for experience in experiences]
    assert found.experiences == {}


def test_of_many_images_an_equal_share_of_each_class_is_taken(known, monkeypatch):
    _, experiences, method = known()
    first = experiences[0]
    images = [*first.train, *first.validation, *first.test]
    by_class = [[r for r in images if r.labels == (name,)] for name in first.outputs]
    assert len(first.outputs) == 5
    # As a manifest may list them: classes in turn, so that every fifth image is of one class.
    alternating = [record for turn in zip(*by_class, strict=True) for record in turn]
    many = replace(first, train=alternating, validation=alternating)
    monkeypatch.setattr(calibrating, "SAMPLE", len(alternating) // 5)
    found = calibrated({"splits": {"scored": "test"}}, [many], method)
    own = found.heads[first.head]
    assert own.novelty.means.shape[0] == len(first.outputs)
    assert len(own.truths) == len(found.experiences[first.name].distances) == 10


@pytest.mark.parametrize("place", [0, -1])
def test_a_class_that_only_validation_images_have_leaves_its_head_unknown(known, place, caplog):
    caplog.set_level("INFO")
    _, experiences, method = known()
    first, other, *_ = experiences
    missing = first.outputs[place]
    train = [record for record in first.train if record.labels != (missing,)]
    found = calibrated({"splits": {"scored": "test"}}, [replace(first, train=train), other], method)
    assert list(found.heads) == [other.head]
    assert f"'{first.head}': of one class no image is at hand" in caplog.text
    assert list(found.experiences) == [first.name, other.name]
