"""Which backbone it is, known before anything heavy is there."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0
from mlff_cli.backbones.resnet18 import ResNet18
from mlff_cli.backbones.resnet50 import ResNet50
from mlff_cli.backbones.timm import Timm
from mlff_cli.errors import UserError


def resnet18(folder, content=b"weights", image_size=64, levels=()):
    file = folder / f"{content.hex()[:20]}.pth"
    file.write_bytes(content)
    return ResNet18(image_size=image_size, weights=str(file), levels=list(levels))


def test_the_fingerprint_changes_with_each_ingredient(tmp_path):
    usual = resnet18(tmp_path)
    others = [
        resnet18(tmp_path, content=b"weightS"),
        resnet18(tmp_path, image_size=65),
        resnet18(tmp_path, levels=["layer1"]),
        resnet18(tmp_path, levels=["layer1", "layer2"]),
        ResNet50(image_size=64, weights=usual.given_weights, levels=[]),
        EfficientNetLite0(image_size=64, weights=usual.given_weights, levels=[]),
    ]
    prints = {usual.fingerprint, *(other.fingerprint for other in others)}
    assert len(prints) == len(others) + 1
    assert all(len(text) == 64 for text in prints)
    assert usual.fingerprint == resnet18(tmp_path).fingerprint


def test_a_square_is_the_same_however_its_size_is_given(tmp_path):
    usual, square = resnet18(tmp_path), resnet18(tmp_path, image_size=[64, 64])
    assert square.fingerprint == usual.fingerprint
    assert square.preprocessing == usual.preprocessing
    long, tall = (resnet18(tmp_path, image_size=size) for size in ([64, 96], [96, 64]))
    assert len({usual.fingerprint, long.fingerprint, tall.fingerprint}) == 3
    assert "64 x 96 px" in long.description and "64 px" in usual.description


def test_the_fingerprint_does_not_depend_on_where_the_file_lies(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    assert resnet18(tmp_path).fingerprint == resnet18(tmp_path / "elsewhere").fingerprint


@given(st.lists(st.sampled_from(["a", "b", "ab"]), max_size=3), st.integers(16, 2048))
def test_no_two_lists_of_levels_or_sizes_share_a_fingerprint(levels, size):
    recipe = ResNet18(image_size=size, weights=__file__, levels=levels)
    other = ResNet18(image_size=size + 1, weights=__file__, levels=levels)
    longer = ResNet18(image_size=size, weights=__file__, levels=[*levels, "c"])
    assert len({recipe.fingerprint, other.fingerprint, longer.fingerprint}) == 3


def test_the_fingerprint_is_known_without_torch_and_timm():
    code = (
        "import sys\n"
        "from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0\n"
        "recipe = EfficientNetLite0(image_size=64, weights=None, levels=[])\n"
        "print(recipe.fingerprint, recipe.description)\n"
        "print({'torch', 'timm', 'torchvision', 'numpy'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    here = EfficientNetLite0(image_size=64, weights=None, levels=[])
    assert first == f"{here.fingerprint} {here.description}"
    assert second == "set()"


def test_a_weight_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"backbone\.weights: there is no file .*nowhere\.pth"):
        _ = ResNet18(image_size=64, weights=str(tmp_path / "nowhere.pth"), levels=[]).fingerprint


@pytest.mark.parametrize("recipe", [ResNet18, ResNet50])
def test_without_a_network_torchvision_weights_say_what_to_do(
    recipe, no_network, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(UserError, match=r"backbone\.weights=<file>") as error:
        _ = recipe(image_size=64, weights=None, levels=[]).fingerprint
    assert "download.pytorch.org" in str(error.value)
    assert "efficientnet_lite0" in str(error.value)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_torchvision_weights_that_were_fetched_before_are_used(no_network, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    file = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    file.write_bytes(b"weights")
    assert ResNet18(image_size=64, weights=None, levels=[]).weights_file == file
    assert no_network == []


def test_without_a_network_timm_weights_say_what_to_do(no_network, tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"convnext_atto.*backbone\.weights=<file>"):
        _ = Timm(image_size=64, model="convnext_atto", weights=None, levels=[]).fingerprint


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("resnet51", "near: .*resnet50"),
        ("qqqqq", "list_models"),
        ("convnext_atto.d3_in1k", "d2_in1k"),
    ],
)
def test_a_misspelt_model_gets_the_nearest_names(model, message, no_network):
    with pytest.raises(UserError, match=f"backbone.model: .*{message}"):
        Timm(image_size=64, model=model, weights=None, levels=[])
    assert no_network == []


def test_each_network_has_its_own_normalisation():
    lite0 = EfficientNetLite0(image_size=96, weights=None, levels=[]).preprocessing
    assert (lite0.size, lite0.mean, lite0.std) == (96, (0.5,) * 3, (0.5,) * 3)
    imagenet = Timm(image_size=96, model="convnext_atto", weights=None, levels=[]).preprocessing
    assert imagenet.mean == pytest.approx((0.485, 0.456, 0.406))
    assert imagenet == ResNet50(image_size=96, weights=None, levels=[]).preprocessing
