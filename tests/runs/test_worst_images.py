"""The worst images of a run, and where the network looked."""

import io
from dataclasses import replace

import numpy as np
import pytest
from configs_for_tests import learned, small_config, task_of, tiny_backbone
from PIL import Image

from mlff_cli.errors import UserError
from mlff_cli.results.page.gallery import WorstImage
from mlff_cli.results.predictions_file import read
from mlff_cli.results.wrongness import pointed_at, worst, wrongness
from mlff_cli.runs.page import keep_worst_images
from mlff_cli.runs.page import worst_images as kept_images
from mlff_cli.runs.worst_images import COUNT, SIDE, worst_images
from mlff_cli.tasks.absent import AbsentImage


@pytest.fixture
def run(tmp_path, weights_of):
    def made(**choices):
        keys = tiny_backbone(weights_of) | choices.pop("keys", {})
        config = small_config(tmp_path, backbone="timm", keys=keys, **choices)
        method, outcome = learned(config, tmp_path / "state")
        kind = "numbers" if choices.get("head") == "regressor" else "class"
        parts = read(tmp_path / "state" / "predictions.csv", kind, outcome.matrix.learned)
        return method, parts, task_of(config).experiences

    return made


def opened(content):
    return Image.open(io.BytesIO(content))


def test_they_are_the_worst_of_all_with_what_speaks_for_the_prediction(run):
    method, parts, experiences = run(fusion="local", keys={"data.images_per_class": 12})
    found = worst_images(method, parts, experiences)
    assert len(found) == COUNT
    by_name = {name: (part, row) for part in parts for row, name in enumerate(part.images)}
    values = [wrongness(part)[row] for part, row in (by_name[image.image] for image in found)]
    everything = np.concatenate([wrongness(part) for part in parts])
    assert values == sorted(everything, reverse=True)[:COUNT]
    for image in found:
        part, row = by_name[image.image]
        assert image.truth == part.truths[row][0]
        assert image.prediction == image.explained == part.predicted[row][0]
        assert max(opened(image.thumbnail).size) <= SIDE
        assert opened(image.where).mode == "RGBA"


def test_what_is_not_at_hand_is_left_out(run):
    method, parts, experiences = run(fusion="local")
    first, *others = experiences
    gone = [replace(r, image=AbsentImage(r.name, "0" * 64)) for r in first.test]
    found = worst_images(method, parts, [replace(first, test=gone), *others])
    assert {image.experience for image in found} == {e.name for e in others}


def test_places_add_up_to_the_logit(run):
    method, parts, experiences = run(fusion="local", keys={"fusion.pooled": []})
    part = parts[0]
    (experience,) = [e for e in experiences if e.name == part.experience]
    images = [record.image for record in experience.test]
    outputs = method.heads[experience.head]
    maps = method.where(experience.head, images, [1] * len(images))
    head = method.adapters[experience.head]
    logits = head(method.descriptors(method.read(images), experience.head))
    expected = (logits[:, 1] - head.linear.bias[1]).detach().numpy()
    assert len(outputs) == 5
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("choices", [{"fusion": "conv1x1"}, {"method": "finetune"}])
def test_without_places_there_are_images_alone(run, choices):
    found = worst_images(*run(**choices))
    assert found
    assert all(not image.where for image in found)


def test_numbers_have_worst_images_as_well(run):
    keys = {"data.labelling": "offsets", "data.images_per_class": 8}
    method, parts, experiences = run(
        data="placement", schedule="by_batch", head="regressor", fusion="local", keys=keys
    )
    found = worst_images(method, parts, experiences)
    first = worst(parts, 1)[0]
    part = parts[first.part]
    assert found[0].image == part.images[first.row]
    assert found[0].explained == part.outputs[pointed_at(part, first.row)]


def test_what_is_kept_is_read_and_damage_is_named(tmp_path):
    images = [WorstImage(b"\xff\x00", b"", "ä.png", "steel", "good", "<pit>", "<pit>")]
    keep_worst_images(tmp_path, images)
    assert kept_images(tmp_path) == images
    assert kept_images(tmp_path / "nowhere") == []
    (tmp_path / "worst_images.json").write_text("[{")
    with pytest.raises(UserError, match=r"worst_images\.json: is damaged"):
        kept_images(tmp_path)
