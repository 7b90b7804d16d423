import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from mlff_cli.data.drawing.fields import rotated
from mlff_cli.data.drawing.finish import PATTERNS, pattern
from mlff_cli.data.surface_variants import SurfaceVariants, draw, surface_of
from mlff_cli.data.surfaces import PRODUCTS
from mlff_cli.errors import UserError


def picture(number=1, label="good", index=0, seed=0, size=64):
    return draw(generator_seed=seed, number=number, label=label, index=index, image_size=size)


def shades(image):
    """Return its colour without its brightness, and how much of it is texture."""
    colour = image.reshape(-1, 3).mean(axis=0)
    rough = np.abs(np.diff(image.mean(axis=2), axis=0)).mean() / image.mean()
    return np.array([*(colour / colour.mean()), rough])


def test_products_are_the_three_surfaces_in_turn_with_classes_of_their_own():
    records = SurfaceVariants(products=7, images_per_class=3, classes=3).records()
    assert len(records) == 7 * 3 * 3 == len({record.name for record in records})
    assert len({record.image.identity() for record in records}) == len(records)
    products = list(dict.fromkeys(record.product for record in records))
    assert products == [f"product_{number:03d}" for number in range(1, 8)]
    for number, product in enumerate(products, start=1):
        labels = [record.labels[0] for record in records if record.product == product]
        assert tuple(dict.fromkeys(labels)) == PRODUCTS[surface_of(number)].CLASSES[:3]
    assert [surface_of(number) for number in (1, 2, 3, 4)] == [*PRODUCTS, "brushed_metal"]


def test_more_products_leave_the_first_as_they_are():
    few, many = (SurfaceVariants(products=count, images_per_class=2) for count in (3, 9))
    assert many.records()[: len(few.records())] == few.records()


def test_parts_of_a_product_are_alike_and_products_are_not():
    """The nearest mean of four simple figures names one of 45 products of what it never saw."""
    numbers = range(1, 46)
    means = np.array(
        [np.mean([shades(picture(n, "good", i)) for i in range(4)], 0) for n in numbers]
    )
    spread = means.std(axis=0)
    right = 0
    for n in numbers:
        for index in (4, 5):
            own = shades(picture(n, "good", index))
            right += int(np.argmin((((means - own) / spread) ** 2).sum(axis=1)) == n - 1)
    assert right / 90 > 0.5  # chance is 0.02


def test_another_seed_draws_another_product():
    one, other = (
        np.mean([shades(picture(2, "good", i, seed=seed)) for i in range(3)], axis=0)
        for seed in (0, 1)
    )
    assert np.abs(one - other).max() > 0.05


@pytest.mark.parametrize("kind", PATTERNS[1:])
def test_a_pattern_covers_a_part_and_repeats(kind):
    along, across = (field / np.float32(16) for field in rotated(128, 0.0))
    printed = pattern(kind, along, across)
    assert printed.min() == 0 and printed.max() == 1
    assert 0.05 < printed.mean() < 0.7
    assert np.abs(printed[:, :-16] - printed[:, 16:]).max() < 1e-3
    assert np.abs(printed[:-16] - printed[16:]).max() < 1e-3


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("size", [32, 75])
def test_every_class_is_drawn_at_any_size(number, size):
    for label in PRODUCTS[surface_of(number)].CLASSES:
        image = picture(number, label, size=size)
        assert image.shape == (size, size, 3) and image.dtype == np.uint8
        assert image.std() > 2 and 40 < image.mean() < 215


def test_the_same_arguments_give_the_same_pixels_in_another_process():
    code = (
        "import sys; from mlff_cli.data.surface_variants import draw;"
        "sys.stdout.buffer.write(draw(5, 8, 'hole', 2, 64).tobytes())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == picture(8, "hole", 2, seed=5).tobytes()


def test_pixels_are_those_of_this_drawing_version():
    """When the drawing changes, raise DRAWING_VERSION and write the new figures here."""
    figures = [picture(number, index=1, size=128).mean(axis=(0, 1)) for number in (1, 2, 3)]
    expected = [[147.86, 129.81, 127.81], [133.5, 136.48, 140.63], [160.03, 151.27, 124.82]]
    assert np.abs(np.asarray(figures) - np.asarray(expected)).max() < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": [64, 96]}, "drawn are square; give one number"),
        ({"image_size": 16}, "32 to 1024"),
        ({"products": 0}, "data.products=0: expected at least 1"),
        ({"images_per_class": 0}, "data.images_per_class=0"),
        ({"classes": 1}, "data.classes=1: expected 2 to 5"),
        ({"classes": 6}, "data.classes=6: expected 2 to 5"),
        ({"variations": ["flip"]}, "did you mean 'flips'"),
    ],
)
def test_wrong_values_are_named(arguments, message):
    with pytest.raises(UserError, match=message):
        SurfaceVariants(**arguments)


def test_yaml_holds_the_keyword_arguments_and_their_defaults():
    text = (Path(__file__).parents[2] / "configs/dataset/surface_variants.yaml").read_text()
    expected = {
        name: list(p.default) if isinstance(p.default, tuple) else p.default
        for name, p in inspect.signature(SurfaceVariants).parameters.items()
    }
    assert yaml.safe_load(text) == {"name": "surface_variants", **expected}
