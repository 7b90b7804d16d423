import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from mlff_cli.data.drawing.fields import rotated
from mlff_cli.data.drawing.ground_steel import CUT_OFF, SET_UPS, UNIT, relief, roughness
from mlff_cli.data.roughness import GRADES, Roughness, draw, roughness_of
from mlff_cli.errors import UserError


def picture(batch="batch_1", label="N6", index=0, seed=0, size=64):
    return draw(generator_seed=seed, batch=batch, label=label, index=index, image_size=size)


def waves(size, lay, length, height=1.0):
    """Return a sine of that length in micrometres across the lay."""
    _, across = rotated(size, lay)
    return height * np.sin(2 * np.pi * across * UNIT / length)


@pytest.mark.parametrize("lay", [0.0, 0.7, np.pi / 2, 2.5])
@pytest.mark.parametrize("size", [128, 256])
def test_the_roughness_of_a_sine_is_two_over_pi_of_its_height(lay, size):
    assert roughness(waves(size, lay, 250, height=3.0), lay) == pytest.approx(6 / np.pi, rel=0.05)


def test_the_filter_halves_what_is_as_long_as_the_cut_off_and_takes_what_is_longer():
    whole = 2 / np.pi
    assert roughness(waves(256, 0.0, CUT_OFF), 0.0) == pytest.approx(whole / 2, rel=0.05)
    assert roughness(waves(256, 0.0, 5 * CUT_OFF), 0.0) < 0.06 * whole
    assert roughness(np.full((64, 64), 7.0, np.float32), 0.3) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("batch", SET_UPS)
@pytest.mark.parametrize("ra", [0.1, 1.6])
@pytest.mark.parametrize("size", [64, 256])
def test_a_relief_has_the_roughness_that_was_asked_for(batch, ra, size):
    set_up = SET_UPS[batch]
    heights = relief(np.random.default_rng(3), set_up, set_up.lay, ra=ra, size=size)
    assert heights.shape == (size, size) and heights.dtype == np.float32
    assert roughness(heights, set_up.lay) == pytest.approx(ra, rel=1e-3)
    # Along the grooves there is less of it.
    assert roughness(heights, set_up.lay + np.pi / 2) < 0.7 * ra


def test_five_batches_have_every_grade_and_the_unit_is_in_the_name_of_the_target():
    dataset = Roughness(images_per_class=3)
    records = dataset.records()
    assert dataset.target_names == ("Ra_micrometres",)
    assert len(records) == 5 * 4 * 3 == len({record.name for record in records})
    assert len({record.image.identity() for record in records}) == len(records)
    assert list(dict.fromkeys(record.batch for record in records)) == list(SET_UPS)
    for record in records:
        (ra,), (label,) = record.targets, record.labels
        low, high = GRADES[label]
        assert low <= ra <= high
        assert ra == roughness_of(0, record.batch, label, int(record.name.rpartition("/")[2]))


def test_the_roughness_of_a_part_is_the_same_at_any_size_of_its_image():
    small, large = (Roughness(image_size=size, images_per_class=2).records() for size in (64, 128))
    assert [record.targets for record in small] == [record.targets for record in large]
    assert small[0].image.identity() != large[0].image.identity()


@pytest.mark.parametrize("batch", SET_UPS)
def test_contrast_shows_roughness_and_brightness_does_not(batch):
    found = []
    for label in GRADES:
        for index in range(10):
            image = picture(batch, label, index).mean(axis=2)
            steps = np.diff(image, axis=0).var() + np.diff(image, axis=1).var()
            ra = roughness_of(0, batch, label, index)
            found.append((ra, np.sqrt(steps), image.mean()))
    ra, contrast, brightness = np.array(found).T
    assert np.corrcoef(ra, contrast)[0, 1] > 0.6
    # Of 40 images the deviation of a correlation by chance is 0.16.
    assert abs(np.corrcoef(ra, brightness)[0, 1]) < 0.5


@pytest.mark.parametrize("batch", SET_UPS)
@pytest.mark.parametrize("size", [32, 75])
def test_every_batch_is_drawn_at_any_size(batch, size):
    image = picture(batch, "N7", size=size)
    assert image.shape == (size, size, 3) and image.dtype == np.uint8
    assert image.std() > 1 and 30 < image.mean() < 200


def test_the_same_arguments_give_the_same_pixels_in_another_process():
    code = (
        "import sys; from mlff_cli.data.roughness import draw;"
        "sys.stdout.buffer.write(draw(5, 'batch_3', 'N5', 2, 64).tobytes())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == picture("batch_3", "N5", 2, seed=5).tobytes()
    assert other != picture("batch_3", "N5", 3, seed=5).tobytes()


def test_pixels_are_those_of_this_drawing_version():
    """When the drawing changes, raise DRAWING_VERSION and write the new figures here."""
    figures = [
        picture(batch, label, index=1, size=128).reshape(2, 64, 2, 64, 3).mean(axis=(1, 3, 4))
        for batch, label in (("batch_2", "N4"), ("batch_4", "N7"))
    ]
    expected = [[[99.18, 104.72], [101.09, 107.27]], [[100.13, 103.1], [109.49, 110.45]]]
    assert np.abs(np.asarray(figures) - np.asarray(expected)).max() < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 0}, "data.image_size=0"),
        ({"image_size": [64, 96]}, "drawn are square; give one number"),
        ({"images_per_class": 0}, "data.images_per_class=0"),
        ({"variations": ["flip"]}, "did you mean 'flips'"),
    ],
)
def test_wrong_values_are_named(arguments, message):
    with pytest.raises(UserError, match=message):
        Roughness(**arguments)


def test_yaml_holds_the_keyword_arguments_and_their_defaults():
    text = (Path(__file__).parents[2] / "configs/dataset/roughness.yaml").read_text()
    expected = {
        name: list(p.default) if isinstance(p.default, tuple) else p.default
        for name, p in inspect.signature(Roughness).parameters.items()
    }
    assert yaml.safe_load(text) == {"name": "roughness", **expected}
