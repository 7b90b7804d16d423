import inspect
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlff_cli.data.surfaces import PRODUCTS, Surfaces, draw
from mlff_cli.errors import UserError

KINDS = [(product, kind) for product, drawing in PRODUCTS.items() for kind in drawing.CLASSES]


def picture(product="brushed_metal", label="good", index=0, seed=0, size=64):
    return draw(generator_seed=seed, product=product, label=label, index=index, image_size=size)


def test_every_product_has_good_parts_and_four_kinds_of_defect():
    records = Surfaces(images_per_class=3).records()
    assert len(records) == 3 * 5 * 3
    classes = {
        product: list(dict.fromkeys(r.labels[0] for r in records if r.product == product))
        for product in PRODUCTS
    }
    assert all(kinds[0] == "good" and len(kinds) == 5 for kinds in classes.values())
    assert len({frozenset(kinds) for kinds in classes.values()}) == 3


def test_names_are_unique_and_say_product_class_and_number():
    records = Surfaces(images_per_class=2).records()
    assert len({record.name for record in records}) == len(records)
    assert len({record.image.identity() for record in records}) == len(records)
    assert records[3].name == "brushed_metal/scratch/0001"
    assert all(record.group == "" for record in records)


def test_good_and_defect_are_balanced_and_show_the_same_parts():
    records = Surfaces(images_per_class=6, labelling="good_defect").records()
    assert [r.labels[0] for r in records[:12]] == ["good"] * 6 + ["defect"] * 6
    kinds = [record.name.split("/")[1] for record in records[6:12]]
    assert {kinds.count(kind) for kind in PRODUCTS["brushed_metal"].CLASSES[1:]} == {1, 2}
    identities = {r.name: r.image.identity() for r in Surfaces(images_per_class=6).records()}
    assert all(identities[record.name] == record.image.identity() for record in records)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 0}, "data.image_size=0"),
        ({"image_size": [64, 96]}, "drawn are square; give one number"),
        ({"image_size": 100_000}, "32 to 1024"),
        ({"images_per_class": 0}, "data.images_per_class=0"),
        ({"labelling": "good_defects"}, "did you mean 'good_defect'"),
    ],
)
def test_wrong_values_are_named(arguments, message):
    with pytest.raises(UserError, match=message):
        Surfaces(**arguments)


def test_yaml_holds_the_keyword_arguments_and_their_defaults():
    text = (Path(__file__).parents[2] / "configs/dataset/surfaces.yaml").read_text()
    assert text.startswith("# @package data\n# ")
    parameters = inspect.signature(Surfaces).parameters
    expected = {
        name: list(p.default) if isinstance(p.default, tuple) else p.default
        for name, p in parameters.items()
    }
    assert yaml.safe_load(text) == {"name": "surfaces", **expected}


@pytest.mark.parametrize(("product", "kind"), KINDS)
@pytest.mark.parametrize("size", [32, 75])
def test_every_class_is_drawn_at_any_size(product, kind, size):
    image = picture(product, kind, size=size)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    assert image.std() > 2
    assert 40 < image.mean() < 215


def test_the_same_arguments_give_the_same_pixels_in_another_process():
    code = (
        "import sys; from mlff_cli.data.surfaces import draw;"
        "sys.stdout.buffer.write(draw(5, 'woven_fabric', 'hole', 2, 64).tobytes())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == picture("woven_fabric", "hole", 2, seed=5).tobytes()


@pytest.mark.parametrize("change", [{"index": 1}, {"seed": 1}, {"label": "pit"}])
def test_no_two_images_share_a_background(change):
    def texture(image):
        grey = image.mean(axis=2)
        return (grey - np.roll(grey, 1, axis=0)).ravel()

    one, other = texture(picture()), texture(picture(**change))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.15


def test_pixels_are_those_of_this_drawing_version():
    """When the drawing changes, raise DRAWING_VERSION and write the new figures here."""
    figures = [
        picture(product, kind, index=1, size=128).reshape(2, 64, 2, 64, 3).mean(axis=(1, 3, 4))
        for product, kind in KINDS[3::5]
    ]
    expected = [
        [[120.19, 122.18], [114.36, 117.99]],
        [[95.64, 88.91], [98.79, 93.16]],
        [[143.74, 138.71], [153.78, 145.64]],
    ]
    assert np.abs(np.asarray(figures) - np.asarray(expected)).max() < 0.1


@pytest.mark.parametrize("product", PRODUCTS)
def test_colour_and_contrast_do_not_give_the_class_away(product):
    features, labels = [], []
    for kind in PRODUCTS[product].CLASSES:
        for index in range(24):
            image = picture(product, kind, index).astype(float)
            features.append([*image.mean(axis=(0, 1)), *image.std(axis=(0, 1))])
            labels.append(kind)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    # Chance is 0.2, with a deviation of 0.037 for 120 images.
    assert cross_val_score(model, features, labels, cv=4).mean() < 0.36


def test_drawing_is_quick():
    durations = []
    for product, kind in KINDS * 2:
        start = time.process_time()
        picture(product, kind, size=128)
        durations.append(time.process_time() - start)
    # Far above what it takes, so that only a wrong turn fails and not a busy machine.
    assert np.median(durations) < 0.06
