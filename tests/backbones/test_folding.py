"""BatchNorm folded into convolutions: the same maps from fewer layers."""

import pytest
import torch
from torch import nn

from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0
from mlff_cli.backbones.folding import folded
from mlff_cli.backbones.levels import LevelInfo, Preprocessing
from mlff_cli.backbones.network import Backbone
from mlff_cli.backbones.timm import Timm


def recipe(name, weights_of):
    if name == "efficientnet_lite0":
        return EfficientNetLite0(image_size=64, weights=None, levels=[])
    return Timm(image_size=64, model=name, weights=str(weights_of(name)), levels=[])


def norms(backbone):
    return [m for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]


def maps_of(backbone, size=64):
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return backbone(images)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("efficientnet_lite0", 0),
        ("resnet18", 0),
        ("resnet50", 0),
        ("mobilenetv3_small_050", 0),
        ("test_resnet", 0),
        ("test_efficientnet", 0),
        ("regnetx_002", 0),
        ("densenet121", None),  # normalises what it joins, which no convolution gives
    ],
)
def test_maps_are_those_of_the_plain_network(name, left, weights_of):
    plain = recipe(name, weights_of).build()
    count, before = len(norms(plain)), maps_of(plain)
    quick = folded(plain)
    for map_, expected in zip(maps_of(quick), before, strict=True):
        assert (map_ - expected).abs().max() <= 1e-3 * expected.abs().max()
    assert len(norms(quick)) < count
    assert left is None or len(norms(quick)) == left
    assert quick.levels == plain.levels and quick.frozen and not quick.training
    assert not any(parameter.requires_grad for parameter in quick.parameters())
    assert len(norms(plain)) == count, "the given network stays as it is"
    assert all(torch.equal(*pair) for pair in zip(maps_of(plain), before, strict=True))


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "vit_tiny_patch16_224"])
def test_a_network_without_batchnorm_stays_as_it_is(name, weights_of):
    plain = recipe(name, weights_of).build()
    assert folded(plain) is plain


class Awkward(nn.Module):
    """One level of a convolution and its BatchNorm, in a way that a subclass says."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)


class ReadTwice(Awkward):
    def forward(self, images):
        given = self.conv(images)
        return [self.norm(given) + given]


class UsedTwice(Awkward):
    def forward(self, images):
        return [self.norm(self.conv(self.norm(self.conv(images))))]


class Standardised(nn.Conv2d):
    def forward(self, images):
        weights = self.weight / self.weight.std()
        return nn.functional.conv2d(images, weights, self.bias, padding=1)


class OwnWeights(Awkward):
    def __init__(self):
        super().__init__()
        self.conv = Standardised(3, 3, 3, padding=1)

    def forward(self, images):
        return [self.norm(self.conv(images))]


class Apart(Awkward):
    def forward(self, images):
        return [self.norm(self.conv(images).relu())]


@pytest.mark.parametrize("kind", [ReadTwice, UsedTwice, OwnWeights, Apart])
def test_what_cannot_be_folded_stays(kind):
    preprocessing = Preprocessing(16, (0.5,) * 3, (0.5,) * 3)
    plain = Backbone(kind(), [LevelInfo("norm", 3, 1)], preprocessing)
    assert folded(plain) is plain
