"""Images in memory: the pixels that a file of them would have."""

import numpy as np
import pytest
from PIL import Image

from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.images.given import given_image

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (20, 30, 3), dtype=np.uint8)
GREY = RANDOM.integers(0, 256, (20, 30), dtype=np.uint8)
WIDE = RANDOM.integers(0, 4096, (20, 30), dtype=np.uint16)


def pictures():
    turned = Image.fromarray(RGB)
    turned.getexif()[274] = 6  # a quarter turn
    return {
        "rgb": Image.fromarray(RGB),
        "grey": Image.fromarray(GREY),
        "transparent": Image.fromarray(np.dstack([RGB, GREY])),
        "palette": Image.fromarray(RGB).quantize(16),
        "one bit": Image.fromarray(GREY).convert("1"),
        "16 bits": Image.fromarray(WIDE),
        "turned": turned,
    }


@pytest.mark.parametrize("kind", pictures())
def test_a_picture_has_the_pixels_of_its_file(kind, tmp_path):
    picture, file = pictures()[kind], tmp_path / "image.png"
    picture.save(file, exif=picture.getexif())
    for bits in (12, 16):
        given = given_image("image 0", picture).scaled_from(bits)
        assert np.array_equal(given.load(), FileImage(file, bits).load())
        opened = given_image("image 0", Image.open(file)).scaled_from(bits)
        assert np.array_equal(given.load(), opened.load())
        assert given.identity() == opened.identity()


@pytest.mark.parametrize("array", [RGB, GREY, WIDE, RGB[::-1, ::2], GREY.T])
def test_an_array_is_its_picture(array):
    given = given_image("x", array)
    assert np.array_equal(given.load(), given_image("y", Image.fromarray(np.array(array))).load())
    assert given.load().dtype == np.uint8 and given.load().shape == (*array.shape[:2], 3)
    assert given.is_wide == (array.dtype == np.uint16)


def test_other_pixels_another_shape_or_another_range_are_another_image():
    images = [
        given_image("a", GREY),
        given_image("a", GREY.reshape(30, 20)),
        given_image("a", GREY ^ 1),
        given_image("a", WIDE),
        given_image("a", WIDE).scaled_from(12),
    ]
    assert len({image.identity() for image in images}) == len(images)
    assert given_image("other name", GREY.copy()).identity() == images[0].identity()


@pytest.mark.parametrize(
    "array",
    [RGB.astype(float), RGB.astype(np.int64), np.dstack([RGB, GREY]), WIDE[None], GREY[0], "text"],
)
def test_what_is_no_image_is_refused(array):
    with pytest.raises(UserError, match=r"^image 3: is .* of shape .*; give uint8 \(H, W, 3\)"):
        given_image("image 3", array)


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((7, 30), np.uint8), "is 30 x 7, smaller than 8 x 8 pixels"),
        (np.full((20, 30), 5000, np.uint16), "has values up to 5000, more than 12 bits hold"),
    ],
)
def test_what_is_wrong_with_its_pixels_is_told(array, problem):
    with pytest.raises(UserError, match=f"^image 1: {problem}"):
        given_image("image 1", array).scaled_from(12).load()


def test_a_file_cut_off_is_told_when_its_pixels_are_wanted(tmp_path):
    file = tmp_path / "cut.png"
    Image.fromarray(RGB).save(file)
    file.write_bytes(file.read_bytes()[:-400])
    picture = Image.open(file)
    with pytest.raises(UserError, match=r"^image 0: is truncated or damaged"):
        given_image("image 0", picture).load()
