"""Every backbone: its levels, its weights, and that frozen means frozen."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from configs_for_tests import random_state
from safetensors.torch import save_file

from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0
from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.backbones.network import on_device
from mlff_cli.backbones.resnet18 import ResNet18
from mlff_cli.backbones.resnet50 import ResNet50
from mlff_cli.backbones.timm import Timm
from mlff_cli.errors import UserError
from mlff_cli.images.loading import normalised, resized

LITE0 = [("blocks.0", 16, 2), ("blocks.1", 24, 4), ("blocks.2", 40, 8), ("blocks.4", 112, 16),
         ("blocks.6", 320, 32)]  # fmt: skip
RESNET18 = [("act1", 64, 2), ("layer1", 64, 4), ("layer2", 128, 8), ("layer3", 256, 16),
            ("layer4", 512, 32)]  # fmt: skip
RESNET50 = [("act1", 64, 2), ("layer1", 256, 4), ("layer2", 512, 8), ("layer3", 1024, 16),
            ("layer4", 2048, 32)]  # fmt: skip
CONVNEXT = [("stages.0", 40, 4), ("stages.1", 80, 8), ("stages.2", 160, 16), ("stages.3", 320, 32)]
VIT = [("blocks.2", 192, 16), ("blocks.5", 192, 16), ("blocks.8", 192, 16), ("blocks.11", 192, 16)]
SWIN = [("layers.0", 96, 4), ("layers.1", 192, 8), ("layers.2", 384, 16), ("layers.3", 768, 32)]


def recipe(name, weights_of, levels=(), image_size=64, weights=None):
    keys = {"image_size": image_size, "levels": list(levels)}
    if name == "efficientnet_lite0":
        return EfficientNetLite0(weights=weights, **keys)
    weights = weights or str(weights_of(name))
    if name in ("resnet18", "resnet50"):
        return {"resnet18": ResNet18, "resnet50": ResNet50}[name](weights=weights, **keys)
    return Timm(model=name, weights=weights, **keys)


@pytest.mark.parametrize(
    ("name", "levels", "parameters"),
    [
        ("efficientnet_lite0", LITE0, 2_958_848),
        ("resnet18", RESNET18, 11_176_512),
        ("resnet50", RESNET50, 23_508_032),
        ("convnext_atto", CONVNEXT, 3_373_880),
        ("vit_tiny_patch16_224", VIT, None),
        ("swin_tiny_patch4_window7_224", SWIN, None),
    ],
)
def test_levels_and_shapes(name, levels, parameters, weights_of, no_network):
    backbone = recipe(name, weights_of).build()
    assert backbone.levels == tuple(LevelInfo(*level) for level in levels)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        maps = backbone(images)
        alone = backbone(images[1:])
    expected = [(2, channels, 64 // stride, 64 // stride) for _, channels, stride in levels]
    assert [tuple(map_.shape) for map_ in maps] == expected
    assert all(bool(torch.isfinite(map_).all()) for map_ in maps)
    assert all(
        torch.allclose(one, many[1:], rtol=1e-4, atol=1e-4)
        for one, many in zip(alone, maps, strict=True)
    )
    assert parameters is None or backbone.parameter_count() == parameters
    assert no_network == []


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext"])
def test_the_weights_of_the_file_are_in_the_network(name, weights_of):
    backbone = recipe(name, weights_of, image_size=160).build()
    expected = random_state(name)
    common = 0
    for key, tensor in backbone.module.network.state_dict().items():
        whole = key.removeprefix("model.")
        # features_only writes "stages_0" where the whole network has "stages.0".
        whole = whole if whole in expected else whole.replace("_", ".", 1)
        if whole in expected:
            assert torch.equal(tensor, expected[whole]), key
            common += 1
    assert common > 30


@pytest.mark.parametrize(
    ("name", "levels"),
    [("efficientnet_lite0", ["blocks.6", "blocks.1"]), ("test_resnet", ["layer2"]),
     ("test_vit", ["blocks.2"])],
)  # fmt: skip
def test_taps_are_a_subset_in_the_order_of_depth(name, levels, weights_of):
    every = recipe(name, weights_of).build()
    some = recipe(name, weights_of, levels).build()
    wanted = [i for i, level in enumerate(every.levels) if level.name in levels]
    assert some.levels == tuple(every.levels[i] for i in wanted)
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        maps, chosen = every(images), some(images)
    assert len(chosen) == len(levels)
    assert all(torch.equal(maps[i], map_) for i, map_ in zip(wanted, chosen, strict=True))


def test_an_unknown_level_names_those_there_are(weights_of):
    with pytest.raises(UserError, match=r"blocks\.7") as error:
        recipe("efficientnet_lite0", weights_of, ["blocks.7"]).build()
    assert all(name in str(error.value) for name, *_ in LITE0)


@pytest.mark.parametrize("wrap", [False, True])
def test_a_pickled_state_dict_is_read_bare_or_wrapped(wrap, tmp_path, weights_of):
    state = random_state("test_resnet")
    file = tmp_path / "weights.pth"
    torch.save({"state_dict": state, "epoch": 3} if wrap else state, file)
    given = recipe("test_resnet", weights_of, weights=str(file)).build().module.network.state_dict()
    usual = recipe("test_resnet", weights_of).build().module.network.state_dict()
    assert all(torch.equal(tensor, usual[name]) for name, tensor in given.items())


class Evil:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def damaged(kind: str, folder: Path) -> Path:
    state = random_state("test_resnet")
    file = (
        folder / f"{kind}.{'pth' if kind.startswith(('pickle', 'text', 'pth')) else 'safetensors'}"
    )
    if kind == "other_architecture":
        save_file(random_state("test_convnext"), file)
    elif kind == "other_shape":
        save_file(state | {"layer1.0.conv1.weight": torch.zeros(7, 7, 1, 1)}, file)
    elif kind == "nan":
        state["layer2.0.conv1.weight"][0, 0, 0, 0] = float("nan")
        save_file(state, file)
    elif kind == "truncated":
        save_file(state, file)
        file.write_bytes(file.read_bytes()[:-1000])
    elif kind == "pth_truncated":
        torch.save(state, file)
        file.write_bytes(file.read_bytes()[:-1000])
    elif kind == "text_in_pth":
        file.write_text("these are no weights", encoding="utf-8")
    elif kind == "empty":
        file.write_bytes(b"")
    elif kind == "pickle_inside":
        torch.save({"state_dict": state, "extra": Evil(folder / "executed")}, file)
    elif kind == "pickle_bare":
        file.write_bytes(pickle.dumps(Evil(folder / "executed")))
    elif kind == "pth_of_numbers":
        torch.save(dict.fromkeys(state, 1.0), file)
    return file


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("other_architecture", "is missing"),
        ("other_shape", r"'layer1.0.conv1.weight' has shape \(7, 7, 1, 1\), expected \(32, 32, 3"),
        ("nan", "'layer2.0.conv1.weight' holds NaN"),
        ("truncated", "cannot be read"),
        ("pth_truncated", "cannot be read"),
        ("text_in_pth", "cannot be read"),
        ("empty", "cannot be read"),
        ("pickle_inside", "something else than tensors"),
        ("pickle_bare", "something else than tensors"),
        ("pth_of_numbers", "is missing"),
    ],
)
def test_a_wrong_weight_file_is_refused_and_named(kind, message, tmp_path, weights_of):
    file = damaged(kind, tmp_path)
    with pytest.raises(UserError, match=message) as error:
        recipe("test_resnet", weights_of, weights=str(file)).build()
    assert str(file) in str(error.value)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kind", ["pickle_inside", "other_architecture", "truncated"])
def test_the_default_backbone_refuses_them_as_well(kind, tmp_path, weights_of):
    file = damaged(kind, tmp_path)
    with pytest.raises(UserError, match=str(file)):
        recipe("efficientnet_lite0", weights_of, weights=str(file)).build()
    assert not (tmp_path / "executed").exists()


def test_a_frozen_backbone_stays_in_eval_mode_and_an_unfrozen_one_does_not(weights_of):
    backbone = recipe("test_resnet", weights_of).build()
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    holder = torch.nn.Sequential(backbone)
    holder.train()
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    holder(torch.rand(4, 3, 64, 64))
    assert all(torch.equal(before[n], tensor) for n, tensor in backbone.state_dict().items())
    backbone.unfreeze()
    holder.train()
    assert all(module.training for module in backbone.modules())
    holder(torch.rand(4, 3, 64, 64))
    moved = {n for n, tensor in backbone.state_dict().items() if not torch.equal(before[n], tensor)}
    assert any(name.endswith("running_mean") for name in moved)


def test_channels_last_kernels_change_nothing_but_rounding(weights_of):
    backbone = recipe("test_resnet", weights_of).build()
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        plain = backbone(images)
        on_device(backbone, torch.device("cpu"))
        laid_out = backbone(images.contiguous(memory_format=torch.channels_last))
    for one, other in zip(plain, laid_out, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


PHOTOGRAPHS = {"china.jpg": 698, "flower.jpg": 985}  # ImageNet's palace and daisy
NATIVE, CROP = 224, 0.875


@pytest.mark.parametrize("photograph", PHOTOGRAPHS)
def test_the_embedded_weights_know_what_the_photographs_show(photograph):
    """The mapping onto timm's names is right: shuffled tensors would know nothing."""
    import timm
    from sklearn.datasets import load_sample_image

    embedded = EfficientNetLite0(image_size=NATIVE, weights=None, levels=[])
    whole = timm.create_model(embedded.model, pretrained=False).eval()
    whole.load_state_dict(embedded.state(embedded.weights_file), strict=True)
    pixels = load_sample_image(photograph)
    side = round(min(pixels.shape[:2]) * CROP)
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    centre = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    with torch.inference_mode():
        batch = normalised(resized(centre, NATIVE)[None], embedded.preprocessing)
        scores = whole(batch)[0].softmax(0)
    assert int(scores.argmax()) == PHOTOGRAPHS[photograph]


def test_the_tapped_network_is_the_one_that_was_proven():
    import timm

    embedded = EfficientNetLite0(image_size=64, weights=None, levels=[])
    whole = timm.create_model(embedded.model, pretrained=False).eval()
    whole.load_state_dict(embedded.state(embedded.weights_file), strict=True)
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        deepest = embedded.build()(images)[-1]
        expected = whole.blocks(whole.bn1(whole.conv_stem(images)))
    torch.testing.assert_close(deepest, expected, rtol=1e-4, atol=1e-4)
