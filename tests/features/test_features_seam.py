"""Images to features: what is stored is what the live network gives, each image seen once."""

import numpy as np
import pytest
import torch
from configs_for_tests import learned, matrix_bytes, small_config, tiny_backbone

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.data.files import FileImage
from mlff_cli.data.surfaces import Surfaces
from mlff_cli.errors import UserError
from mlff_cli.features.features import Features
from mlff_cli.features.pooling import LevelInput, pooled
from mlff_cli.features.store.memory import MemoryStore
from mlff_cli.fusion.local import LocalFusion
from mlff_cli.images.loading import normalised, resized
from mlff_cli.images.variations import varied
from mlff_cli.runs.building import build_features
from mlff_cli.system.device import Device

POOLINGS = ("mean", "max", "deviation")


@pytest.fixture(scope="module")
def images():
    return [record.image for record in Surfaces(image_size=48, images_per_class=2).records()[:23]]


def read(features, images, inputs, variation=0):
    """Return everything that is read, one tensor per input."""
    return features.read(images, inputs, variation)[:]


def tiny(weights_of, model="test_efficientnet"):
    """A config section of one of timm's smallest networks."""
    return {"model": model, "weights": str(weights_of(model)), "name": "timm", "levels": []}


def features_of(folder, backbone, **features):
    config = small_config(folder, keys={"data.image_size": 48})
    config["features"] |= features
    if backbone is not None:
        config["backbone"] = backbone
    device = Device.choose(device="cpu", precision="fp32", workers=0, batch_size=8)
    return build_features(config, device)


def every_input(features):
    return [LevelInput(level.name, name) for level in features.facts.levels for name in POOLINGS]


@pytest.mark.parametrize("store", [True, False])
def test_stored_features_are_those_of_the_live_network(images, tmp_path, store):
    features = features_of(tmp_path, None, store=store)
    inputs = every_input(features)
    stored = read(features, images, inputs)
    backbone = features.recipe.build()
    pixels = torch.stack([resized(image.load(), 48) for image in images])
    with torch.inference_mode():
        maps = backbone(normalised(pixels, backbone.preprocessing))
    names = [level.name for level in backbone.levels]
    live = pooled(dict(zip(names, maps, strict=True)), inputs)
    for item, one, other in zip(inputs, stored, live, strict=True):
        assert one.dtype == torch.float32
        scale = float(other.abs().max())
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5 * scale, msg=item.name)


@pytest.mark.parametrize("model", [None, "test_vit", "test_convnext", "test_resnet"])
def test_features_do_not_depend_on_company_or_order(model, images, tmp_path, weights_of):
    """Bit by bit: the store is filled by whichever run comes first."""
    backbone = None if model is None else tiny(weights_of, model)
    together = features_of(tmp_path, backbone, store=False)
    inputs = every_input(together)
    expected = read(together, images, inputs)
    shuffled = features_of(tmp_path, backbone, store=False)
    order = np.random.default_rng(0).permutation(len(images)).tolist()
    pieces = [order[:1], order[1:4], order[4:15], order[15:]]
    for piece in pieces:
        rows = read(shuffled, [images[i] for i in piece], inputs)
        for row, column in zip(rows, expected, strict=True):
            assert torch.equal(row, column[piece])
    again = read(shuffled, images, inputs)
    assert all(torch.equal(one, other) for one, other in zip(again, expected, strict=True))
    assert together.extracted == shuffled.extracted == len(images)


def test_a_second_process_finds_everything_and_builds_nothing(images, tmp_path, monkeypatch):
    first = features_of(tmp_path, None)
    inputs = every_input(first)
    expected = read(first, images, inputs)
    monkeypatch.setattr(BackboneRecipe, "build", lambda self: pytest.fail("a network was built"))
    second = features_of(tmp_path, None)
    assert second.facts == first.facts
    found = read(second, images[::-1], inputs)
    assert all(torch.equal(a.flip(0), b) for a, b in zip(found, expected, strict=True))
    assert (second.extracted, second.seconds) == (0, 0.0)


def test_only_what_is_missing_is_computed(images, tmp_path, weights_of):
    features = features_of(tmp_path, tiny(weights_of))
    deepest = [LevelInput(features.facts.levels[-1].name, "mean")]
    read(features, images[:5], deepest)
    read(features, images[3:9], every_input(features))
    assert features.extracted == 9
    read(features, images[:9], [LevelInput(features.facts.levels[0].name, "grid")])
    assert features.extracted == 18  # the grid is none of what is always kept


def test_an_image_listed_twice_is_seen_once(tmp_path, weights_of):
    from PIL import Image

    Image.new("RGB", (48, 48), (90, 20, 20)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    twice = [FileImage(tmp_path / name) for name in ("a.png", "b.png", "a.png")]
    features = features_of(tmp_path, tiny(weights_of))
    (column,) = read(features, twice, [LevelInput(features.facts.levels[-1].name, "mean")])
    assert features.extracted == 1
    assert torch.equal(column[0], column[1])
    assert torch.equal(column[0], column[2])


def test_whole_maps_and_grids_are_stored_where_they_are_asked_for(images, tmp_path, weights_of):
    features = features_of(tmp_path, tiny(weights_of))
    level = features.facts.levels[1]
    side = 48 // level.stride
    map_, grid, mean = read(
        features, images[:3], [LevelInput(level.name, name) for name in ("map", "grid", "mean")]
    )
    assert map_.shape == (3, level.channels, side, side)
    assert grid.shape == (3, level.channels, 4, 4)
    torch.testing.assert_close(map_.mean(dim=(2, 3)), mean, rtol=1e-3, atol=1e-3)  # of float16


@pytest.mark.parametrize("store", [True, False])
def test_stored_maps_are_those_of_the_live_network_rounded(images, tmp_path, store):
    features = features_of(tmp_path, None, store=store)
    layer = LocalFusion(
        features.facts.levels, stride=8, width=8, layers=2, pooled=["mean"], pooled_width=4
    )
    stored = read(features, images, layer.inputs)
    live = features.live(images, layer.inputs, lambda pixels: pixels, seed=0)[:]
    for item, one, other in zip(layer.inputs, stored, live, strict=True):
        expected = other if item.pooling == "mean" else other.half().float()
        assert torch.equal(one, expected)
    layer.fit([stored])
    torch.testing.assert_close(layer.eval()(stored), layer(live), rtol=1e-2, atol=1e-2)


def test_a_run_on_maps_gives_the_same_with_and_without_a_store(tmp_path, weights_of):
    results = []
    for store in (True, False):
        keys = {**tiny_backbone(weights_of), "features.store": store, "fusion.width": 8}
        config = small_config(tmp_path, backbone="timm", fusion="local", keys=keys)
        _, outcome = learned(config, tmp_path / str(store))
        results.append(matrix_bytes(outcome, tmp_path))
    assert results[0] == results[1]


def test_variations_have_features_of_their_own(images, tmp_path, weights_of):
    features = features_of(tmp_path, tiny(weights_of))
    inputs = [LevelInput(features.facts.levels[-1].name, "mean")]
    (plain,) = read(features, images[:3], inputs)
    (changed,) = read(features, images[:3], inputs, variation=1)
    assert features.extracted == 6
    assert not torch.equal(plain, changed)
    pixels = torch.stack([resized(image.load(), 48) for image in images[:3]])
    backbone = features.recipe.build()
    with torch.inference_mode():
        maps = backbone(normalised(varied(pixels, 1), backbone.preprocessing))
    torch.testing.assert_close(changed, maps[-1].mean(dim=(2, 3)), rtol=1e-4, atol=1e-5)


def test_half_precision_is_another_entry_of_the_store(images, tmp_path, weights_of):
    full = features_of(tmp_path, tiny(weights_of))
    inputs = every_input(full)
    half = features_of(tmp_path, tiny(weights_of), dtype="float16")
    expected, found = read(full, images, inputs), read(half, images, inputs)
    assert half.extracted == len(images)
    for one, other in zip(expected, found, strict=True):
        assert other.dtype == torch.float32
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_a_bad_image_is_named(tmp_path, weights_of):
    (tmp_path / "torn.png").write_bytes(b"no image at all")
    features = features_of(tmp_path, tiny(weights_of))
    with pytest.raises(UserError, match=r"torn\.png"):
        read(
            features,
            [FileImage(tmp_path / "torn.png")],
            [LevelInput(features.facts.levels[0].name, "mean")],
        )


@pytest.mark.parametrize("fusion", ["conv1x1", "authors", "deepest"])
def test_with_and_without_the_store_the_matrix_is_the_same(fusion, tmp_path, weights_of):
    matrices, extracted = [], []
    for name, store in (("live", False), ("empty", True), ("full", True)):
        keys = tiny_backbone(weights_of) | {"features.store": store, "fusion.width": 16}
        if fusion == "deepest":
            del keys["fusion.width"]
        config = small_config(tmp_path, backbone="timm", fusion=fusion, keys=keys)
        method, outcome = learned(config, tmp_path / name)
        matrices.append(matrix_bytes(outcome, tmp_path))
        extracted.append(method.context.features.extracted)
    assert matrices[0] == matrices[1] == matrices[2]
    assert extracted[0] == extracted[1] > 0
    assert extracted[2] == 0


def test_a_store_in_memory_and_a_fresh_seam_share_nothing(images, weights_of, tmp_path):
    features = features_of(tmp_path, tiny(weights_of), store=False)
    assert isinstance(features, Features)
    assert isinstance(features.store, MemoryStore)
    read(features, images[:2], [LevelInput(features.facts.levels[0].name, "mean")])
    assert not (tmp_path / "features").exists()
