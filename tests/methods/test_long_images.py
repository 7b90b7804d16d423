"""Images of a height and a width: every method and fusion layer, and what is stored of them."""

import numpy as np
import pytest
import torch
from configs_for_tests import learned, small_config, tiny_backbone
from PIL import Image

from mlff_cli.features.pooling import LevelInput
from mlff_cli.runs.building import build_device, build_features
from mlff_cli.runs.listing import listing_of


@pytest.fixture
def long_parts(tmp_path):
    """Images of 40 x 100 pixels: a bright spot to the left, or none."""
    draw = np.random.default_rng(0)
    for label in ("spot", "good"):
        folder = tmp_path / "images" / label
        folder.mkdir(parents=True)
        for number in range(8):
            pixels = draw.integers(0, 60, (40, 100, 3), dtype=np.uint8)
            if label == "spot":
                pixels[10:30, 5:25] = 255
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return str(tmp_path / "images")


def config(tmp_path, weights_of, root, **choices):
    keys = {
        "data.root": root,
        "data.image_size": [32, 80],
        "features.variations": 2,
        **tiny_backbone(weights_of),
    }
    return small_config(tmp_path, data="folder", backbone="timm", keys=keys, **choices)


@pytest.mark.parametrize(
    ("method", "fusion"),
    [
        *(("mlff", name) for name in ("conv1x1", "conv1x1_grid", "local", "authors", "deepest")),
        ("finetune", "deepest"),
        ("linear_probe", "deepest"),
        ("joint", "local"),
        ("closed_form", "normalised_means"),
    ],
)
def test_a_method_learns_from_long_images(tmp_path, weights_of, long_parts, method, fusion):
    made = config(tmp_path, weights_of, long_parts, method=method, fusion=fusion)
    _, outcome = learned(made, tmp_path / "state")
    assert 0 <= outcome.matrix.score("accuracy", 1, 1).value <= 1


def test_the_maps_that_are_stored_have_the_shape_of_the_images(tmp_path, weights_of, long_parts):
    made = config(tmp_path, weights_of, long_parts)
    listing = listing_of(made)
    features = build_features(made, build_device(made), listing)
    images = [record.image for record in listing.records[:3]]
    level = features.facts.levels[1]
    wanted = [LevelInput(level.name, "map"), LevelInput(level.name, "mean")]
    (maps, means) = features.read(images, wanted)[torch.arange(3)]
    assert maps.shape[2:] == (32 / level.stride, 80 / level.stride)
    np.testing.assert_allclose(maps.float().mean(dim=(2, 3)), means, atol=0.02)
