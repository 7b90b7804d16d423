"""Fusion on pooled features is fusion on live maps; what is trained and what stays."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0
from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.errors import UserError
from mlff_cli.features.pooling import LevelInput, pooled, pooling
from mlff_cli.fusion.authors import AuthorsFusion
from mlff_cli.fusion.base import Standardisation
from mlff_cli.fusion.conv1x1 import Conv1x1Fusion
from mlff_cli.fusion.deepest import DeepestLevel
from mlff_cli.fusion.normalised_means import NormalisedMeans
from mlff_cli.heads.classifier import Classifier

RESNET50 = [LevelInfo("layer1", 256, 4), LevelInfo("layer2", 512, 8),
            LevelInfo("layer3", 1024, 16), LevelInfo("layer4", 2048, 32)]  # fmt: skip
LEVELS = [LevelInfo("shallow", 3, 4), LevelInfo("deep", 5, 8)]


@pytest.fixture(scope="module")
def live():
    """The embedded network's levels, and its maps of six images."""
    backbone = EfficientNetLite0(image_size=64, weights=None, levels=[]).build()
    images = torch.randn(6, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return backbone.levels, [map_.clone() for map_ in backbone(images)]


def trained(layer, inputs):
    """Move every parameter and constant away from where it begins."""
    torch.manual_seed(1)
    layer.fit([inputs])
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return layer


@torch.no_grad()
def test_conv1x1_equals_convolutions_of_the_live_maps_pooled_afterwards(live):
    levels, maps = live
    names = [level.name for level in levels]
    layer = Conv1x1Fusion(levels, width=7, pooling=["mean"])
    inputs = pooled(dict(zip(names, maps, strict=True)), layer.inputs)
    trained(layer, inputs).eval()
    expected = torch.zeros(6, 7)
    channels = [map_.shape[1] for map_ in maps]
    own = (layer.convolutions.weight, layer.scaling.mean, layer.scaling.std)
    parts = zip(*(tensor.split(channels, dim=-1) for tensor in own), maps, names, strict=True)
    for weight, mean, std, map_, name in parts:
        convolution = nn.Conv2d(map_.shape[1], 7, kernel_size=1)
        convolution.weight.copy_(weight[:, :, None, None])
        convolution.bias.copy_(layer.convolutions.bias)
        convolved = convolution((map_ - mean[:, None, None]) / std[:, None, None])
        expected += layer.level_weights()[name] * convolved.mean(dim=(2, 3))
    assert float(expected.std()) > 0.1
    torch.testing.assert_close(layer(inputs), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_authors_equals_its_blocks_on_live_maps_pooled_by_torch(live):
    levels, maps = live
    layer = AuthorsFusion(levels, width=25)
    by_level = dict(zip([level.name for level in levels], maps, strict=True))
    inputs = pooled(by_level, layer.inputs)
    trained(layer, inputs).train()
    layer(inputs)  # moves the statistics of BatchNorm
    layer.eval()
    pools = [F.adaptive_max_pool2d] * 2 + [F.adaptive_avg_pool2d] * 3
    expected = [
        block(pool(map_, 1).flatten(1))
        for block, pool, map_ in zip(layer.blocks, pools, maps, strict=True)
    ]
    torch.testing.assert_close(layer(inputs), torch.cat(expected, dim=1), rtol=1e-5, atol=1e-5)


def test_authors_pools_four_levels_by_max_max_mean_mean_and_has_the_published_size():
    layer = AuthorsFusion(RESNET50, width=1024)
    assert [item.name for item in layer.inputs] == [
        "layer1/max", "layer2/max", "layer3/mean", "layer4/mean",
    ]  # fmt: skip
    head = Classifier(layer.width, ("good", "bad"), hidden=1024, label_smoothing=0.0)
    parameters = sum(p.numel() for module in (layer, head) for p in module.parameters())
    assert parameters == 2_039_810


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_authors_shares_its_width_evenly(count):
    layer = AuthorsFusion([LevelInfo(str(i), 4, 4) for i in range(count)], width=16)
    layer.eval()
    assert layer.width == 16 // count * count
    assert layer([torch.rand(2, 4)] * count).shape == (2, layer.width)
    assert [item.pooling for item in layer.inputs].count("max") == count // 2


def test_authors_refuses_a_width_below_the_number_of_levels():
    with pytest.raises(UserError, match="at least 4"):
        AuthorsFusion(RESNET50, width=3)


def test_authors_trains_on_a_single_row_and_leaves_its_statistics():
    layer = AuthorsFusion(LEVELS, width=4)
    inputs = [torch.rand(8, level.channels) for level in LEVELS]
    layer.train()(inputs)
    before = {name: buffer.clone() for name, buffer in layer.named_buffers()}
    single = layer([rows[:1] for rows in inputs])
    assert all(torch.equal(before[name], buffer) for name, buffer in layer.named_buffers())
    single.sum().backward()
    layer(inputs)
    assert not all(torch.equal(before[name], buffer) for name, buffer in layer.named_buffers())


def test_conv1x1_reads_every_pooling_of_every_level_and_weighs_levels():
    layer = Conv1x1Fusion(LEVELS, width=4, pooling=["mean", "max"])
    assert [item.name for item in layer.inputs] == [
        "shallow/mean", "shallow/max", "deep/mean", "deep/max",
    ]  # fmt: skip
    assert layer.level_weights() == {"shallow": 0.5, "deep": 0.5}
    with torch.no_grad():
        layer.level_logits.copy_(torch.tensor([50.0, -50.0]))
    inputs = [torch.rand(3, 3), torch.rand(3, 3), torch.rand(3, 5), torch.rand(3, 5)]
    changed = [*inputs[:2], *(torch.rand(3, 5) for _ in range(2))]
    assert torch.equal(layer(inputs), layer(changed))
    assert layer.level_weights()["shallow"] == pytest.approx(1.0)


def test_conv1x1_begins_like_a_convolution_per_level():
    """Whatever the number of the other levels, a level's weights begin within 1 / sqrt(C_l)."""
    torch.manual_seed(0)
    layer = Conv1x1Fusion(RESNET50, width=64, pooling=["mean", "max"])
    counts = [level.channels for level in RESNET50 for _ in range(2)]
    for weight, count in zip(layer.convolutions.weight.split(counts, dim=1), counts, strict=True):
        assert 0.9 * count**-0.5 < float(weight.detach().abs().max()) <= count**-0.5


def test_conv1x1_sees_where_something_is_in_a_grid():
    layer = Conv1x1Fusion(LEVELS, width=4, pooling=["mean", "grid"])
    inputs = [torch.rand(2, 3), torch.rand(2, 3, 4, 4), torch.rand(2, 5), torch.rand(2, 5, 4, 4)]
    layer.fit([inputs])
    fused = layer(inputs)
    assert fused.shape == (2, 4)
    turned = [inputs[0], inputs[1].flip(3), inputs[2], inputs[3].flip(3)]
    assert not torch.allclose(layer(turned), fused)


def test_conv1x1_refuses_whole_maps_whose_size_is_the_images():
    with pytest.raises(UserError, match=r"fusion\.pooling: 'map' .* use 'grid'"):
        Conv1x1Fusion(LEVELS, width=4, pooling=["map"])


def test_conv1x1_refuses_a_pooling_that_does_not_exist():
    with pytest.raises(UserError, match=r"fusion\.pooling: 'meen' is unknown; .*'mean'"):
        Conv1x1Fusion(LEVELS, width=4, pooling=["meen"])


def test_deepest_is_the_deepest_level_standardised_with_nothing_to_train():
    layer = DeepestLevel(LEVELS)
    rows = torch.randn(50, 5) * 3 + 2
    layer.fit([[rows]])
    assert layer.inputs == (LevelInput("deep", "mean"),)
    assert list(layer.parameters()) == []
    fused = layer([rows])
    torch.testing.assert_close(fused.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(fused.std(0, unbiased=False), torch.ones(5), atol=1e-5, rtol=0)
    assert layer.level_weights() == {}


def test_standardisation_leaves_a_constant_channel_alone():
    layer = Standardisation(2)
    layer.fit([[torch.tensor([[1.0, 7.0], [3.0, 7.0]])]], lambda inputs: inputs[0])
    assert layer(torch.tensor([[1.0, 7.0], [3.0, 8.0]])).tolist() == [[-1.0, 0.0], [1.0, 1.0]]


def test_standardisation_in_batches_is_that_of_all_rows_in_double_precision():
    """Values far from 0: in single precision, or in one pass, their spread would be lost."""
    torch.manual_seed(0)
    rows = torch.randn(1000, 3) * 0.01 + 1000
    layer = Standardisation(3)
    layer.fit([[part] for part in rows.split(7)], lambda inputs: inputs[0])
    exact = rows.double()
    torch.testing.assert_close(layer.mean, exact.mean(0).float(), rtol=0, atol=0)
    torch.testing.assert_close(layer.std, exact.std(0, unbiased=False).float(), rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    "layer",
    [DeepestLevel(LEVELS), Conv1x1Fusion([LEVELS[-1]], width=4, pooling=["mean"]),
     AuthorsFusion([LEVELS[-1]], width=4)],
    ids=["deepest", "conv1x1", "authors"],
)  # fmt: skip
def test_constants_are_taken_once_and_are_part_of_the_state(layer):
    layer.fit([[torch.randn(9, 5)]])
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    assert bool(before["fitted"])
    layer.fit([[torch.randn(9, 5) + 5]])
    assert all(torch.equal(before[name], tensor) for name, tensor in layer.state_dict().items())


def test_poolings_by_hand():
    maps = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    assert float(pooling("mean")(maps)) == 3.0
    assert float(pooling("max")(maps)) == 6.0
    assert float(pooling("min")(maps)) == 1.0
    assert float(pooling("deviation")(maps)) == pytest.approx((14 / 4) ** 0.5)
    assert pooling("grid")(torch.rand(2, 3, 9, 9)).shape == (2, 3, 4, 4)
    assert torch.equal(pooling("map")(maps), maps)
    assert float(pooling("deviation")(torch.ones(1, 1, 1, 1))) == 0.0


def test_poolings_are_those_of_torch_whatever_the_layout():
    maps = torch.randn(3, 5, 7, 4)
    for laid_out in (maps, maps.contiguous(memory_format=torch.channels_last)):
        assert torch.equal(pooling("max")(laid_out), maps.amax(dim=(2, 3)))
        assert torch.equal(pooling("min")(laid_out), maps.amin(dim=(2, 3)))
        expected = maps.var(dim=(2, 3), unbiased=False).sqrt()
        torch.testing.assert_close(pooling("deviation")(laid_out), expected)


def test_range_is_the_largest_step_between_neighbours():
    maps = torch.zeros(1, 2, 8, 8)
    maps[0, 0, :, 7] = 3.0  # the last column, which windows of every second position must reach
    maps[0, 1] = torch.arange(8.0)  # a slope: 2 within three positions, 7 over the whole map
    for laid_out in (maps, maps.contiguous(memory_format=torch.channels_last)):
        assert pooling("range")(laid_out).tolist() == [[3.0, 2.0]]


@pytest.mark.parametrize("side", [1, 2, 3, 4, 7])
def test_range_of_maps_of_any_size(side):
    maps = torch.randn(2, 3, side, side)
    whole = maps.amax(dim=(2, 3)) - maps.amin(dim=(2, 3))
    found = pooling("range")(maps)
    assert bool((found <= whole + 1e-6).all())
    if side <= 2:
        torch.testing.assert_close(found, whole)


def test_poolings_of_half_precision_are_full_precision():
    maps = torch.full((1, 1, 64, 64), 100.0, dtype=torch.float16)
    assert float(pooling("mean")(maps)) == 100.0
    assert pooling("mean")(maps).dtype == torch.float32


def test_normalised_means_are_each_of_length_1_and_take_nothing_from_data():
    layer = NormalisedMeans(LEVELS, random_features=0)
    assert layer.inputs == (LevelInput("shallow", "mean"), LevelInput("deep", "mean"))
    inputs = [torch.randn(4, 3), 100 * torch.randn(4, 5)]
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    layer.fit([inputs])
    means = layer(inputs)
    assert layer.width == 8 == means.shape[1]
    torch.testing.assert_close(means[:, :3].norm(dim=1), torch.ones(4))
    torch.testing.assert_close(means[:, 3:].norm(dim=1), torch.ones(4))
    changed = {n for n, t in layer.state_dict().items() if not torch.equal(t, before[n])}
    assert changed == {"fitted"} and not list(layer.parameters())
    assert torch.isfinite(layer([torch.zeros(1, 3), torch.zeros(1, 5)])).all()


def test_random_features_are_drawn_by_the_seed_and_keep_the_length_in_the_mean():
    inputs = [torch.randn(4, 3), torch.randn(4, 5)]
    torch.manual_seed(0)
    layer = NormalisedMeans(LEVELS, random_features=4000)
    features = layer(inputs)
    assert features.shape == (4, 4000) and float(features.min()) == 0
    torch.testing.assert_close(features.square().sum(1), torch.full((4,), 2.0), rtol=0.1, atol=0)
    torch.manual_seed(0)
    again = NormalisedMeans(LEVELS, random_features=4000)
    assert torch.equal(again(inputs), features)
