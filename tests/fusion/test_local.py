"""Local fusion: what it reads, what it computes of it, and that it learns where others cannot."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0
from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features.pooling import pooled, pooling
from mlff_cli.fusion.local import LocalFusion

LITE0 = tuple(
    LevelInfo(f"level{number}", channels, 2**number)
    for number, channels in enumerate((16, 24, 40, 112, 320), start=1)
)
LEVELS = (LevelInfo("fine", 3, 4), LevelInfo("grid", 4, 8), LevelInfo("deep", 5, 32))


def small(**keys):
    return LocalFusion(
        LEVELS, **{"stride": 8, "width": 6, "layers": 2, "pooled": [], "pooled_width": 5, **keys}
    )


def maps_of(count, height=64, width=64):
    torch.manual_seed(1)
    return {
        level.name: torch.randn(
            count, level.channels, height // level.stride, width // level.stride
        )
        for level in LEVELS
    }


def inputs_of(layer, maps):
    return pooled(maps, layer.inputs)


@pytest.mark.parametrize(
    ("stride", "expected"),
    [
        (8, ["level1/cell4_max", "level1/cell4_min", "level2/cell2_max", "level2/cell2_min",
             "level3/map", "level4/map", "level5/map"]),
        (16, ["level1/cell8_max", "level1/cell8_min", "level2/cell4_max", "level2/cell4_min",
              "level3/cell2_max", "level3/cell2_min", "level4/map", "level5/map"]),
    ],
)  # fmt: skip
def test_levels_finer_than_the_grid_are_read_by_the_extremes_of_its_cells(stride, expected):
    layer = LocalFusion(LITE0, stride=stride, width=8, layers=1, pooled=[], pooled_width=5)
    assert [item.name for item in layer.inputs] == expected


def test_numbers_of_an_image_and_parameters_are_as_many_as_the_study_had():
    layer = LocalFusion(LITE0, stride=8, width=96, layers=2, pooled=[], pooled_width=5)
    maps = {
        level.name: torch.zeros(1, level.channels, *[224 // level.stride] * 2) for level in LITE0
    }
    assert sum(part.numel() for part in inputs_of(layer, maps)) == 131_712
    assert sum(parameter.numel() for parameter in layer.parameters()) == 62_496
    assert layer.width == 192


@torch.no_grad()
def test_it_is_a_convolution_of_all_levels_at_one_place():
    layer, maps = small(), maps_of(4)
    inputs = inputs_of(layer, maps)
    layer.fit([inputs])
    layer.train()(inputs)  # moves the statistics of BatchNorm
    layer.eval()
    stacked = []
    for part in inputs:
        deviation, mean = torch.std_mean(part, dim=(0, 2, 3), correction=0, keepdim=True)
        stacked.append(F.interpolate((part - mean) / deviation, size=(8, 8), mode="bilinear"))
    convolved = F.conv2d(torch.cat(stacked, dim=1), layer.first.weight[:, :, None, None])
    norm = layer.norm
    first = F.batch_norm(convolved, norm.running_mean, norm.running_var, norm.weight, norm.bias)
    second = F.gelu(layer.deeper[0](F.gelu(first).movedim(1, -1))).movedim(-1, 1)
    expected = torch.cat([second.amax(dim=(2, 3)), second.mean(dim=(2, 3))], dim=1)
    torch.testing.assert_close(layer(inputs), expected, rtol=1e-4, atol=1e-5)


def test_pooled_levels_stand_behind_the_places():
    layer, plain = small(pooled=["mean", "max"]), small()
    assert [item.name for item in layer.inputs[4:]] == [
        "fine/mean", "fine/max", "grid/mean", "grid/max", "deep/mean", "deep/max",
    ]  # fmt: skip
    maps = maps_of(5)
    inputs = inputs_of(layer, maps)
    layer.fit([inputs])
    assert (layer.width, plain.width) == (17, 12)
    fused = layer.eval()(inputs)
    assert fused.shape == (5, 17)
    changed = layer([*inputs[:4], *(torch.zeros_like(part) for part in inputs[4:])])
    assert torch.equal(changed[:, :12], fused[:, :12])
    assert not torch.allclose(changed[:, 12:], fused[:, 12:])


@pytest.mark.parametrize("keys", [{}, {"pooled": ["mean"]}, {"layers": 1}, {"layers": 3}])
def test_gradients_reach_everything(keys):
    layer, maps = small(**keys), maps_of(3)
    leaves = {name: map_.requires_grad_() for name, map_ in maps.items()}
    inputs = inputs_of(layer, leaves)
    layer.fit([[part.detach() for part in inputs]])
    layer.train()(inputs).square().sum().backward()
    for tensor in (*layer.parameters(), *leaves.values()):
        assert tensor.grad is not None and float(tensor.grad.abs().sum()) > 0


@pytest.mark.parametrize("pooled", [[], ["mean"]])
def test_one_image_is_trained_on_and_one_place_leaves_the_statistics(pooled):
    layer = small(pooled=pooled)
    layer.train()(inputs_of(layer, maps_of(4)))
    layer(inputs_of(layer, maps_of(1))).sum().backward()
    before = {name: buffer.clone() for name, buffer in layer.named_buffers()}
    one_place = {level.name: torch.randn(1, level.channels, 1, 1) for level in LEVELS}
    assert bool(layer(inputs_of(layer, one_place)).isfinite().all())
    assert all(torch.equal(before[name], buffer) for name, buffer in layer.named_buffers())
    layer(inputs_of(layer, maps_of(2)))
    assert not all(torch.equal(before[name], buffer) for name, buffer in layer.named_buffers())


@pytest.mark.parametrize("size", [(32, 32), (100, 100), (33, 70), (16, 200)])
def test_images_of_any_size(size):
    """Backbones round up where a side is no multiple of a stride."""
    maps = {
        level.name: torch.randn(2, level.channels, *(-(-side // level.stride) for side in size))
        for level in LEVELS
    }
    layer = small()
    assert layer(inputs_of(layer, maps)).shape == (2, 12)


@pytest.mark.parametrize("stride", [8, 16])
def test_a_backbone_whose_levels_are_all_coarser_or_all_alike(stride):
    for levels in ([LevelInfo("a", 3, 32)], [LevelInfo("a", 3, 14), LevelInfo("b", 3, 14)]):
        layer = LocalFusion(levels, stride=stride, width=4, layers=2, pooled=[], pooled_width=5)
        assert {item.pooling for item in layer.inputs} == {"map"}
        assert layer([torch.randn(2, 3, 7, 7) for _ in levels]).shape == (2, 8)


def test_interpolation_is_that_of_torch_for_any_sizes():
    from mlff_cli.fusion.local import _interpolated

    maps = torch.randn(2, 3, 7, 5)
    for size in ((7, 5), (14, 14), (8, 5), (20, 6)):
        expected = F.interpolate(maps, size=size, mode="bilinear")
        rows = _interpolated(maps.flatten(2).transpose(1, 2), (7, 5), size)
        found = rows.transpose(1, 2).unflatten(2, size)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_cells_by_hand():
    maps = torch.arange(15.0).view(1, 1, 3, 5)
    assert pooling("cell2_max")(maps).tolist() == [[[[6, 8, 9], [11, 13, 14]]]]
    assert pooling("cell2_min")(maps).tolist() == [[[[0, 2, 4], [10, 12, 14]]]]
    assert pooling("cell16_max")(maps).tolist() == [[[[14]]]]
    assert pooling("cell4_min")(maps.half()).dtype == torch.float32


def test_constants_of_a_batch_at_a_time_are_those_of_all_places():
    layer, maps = small(pooled=["mean"]), maps_of(9)
    inputs = inputs_of(layer, maps)
    layer.fit([[part[rows] for part in inputs] for rows in (slice(0, 4), slice(4, 9))])
    for scaling, part in zip(layer.scalings, inputs, strict=True):
        places = part.transpose(0, 1).flatten(1)
        torch.testing.assert_close(scaling.mean, places.mean(1), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(scaling.std, places.std(1, unbiased=False))


def test_it_learns_what_only_the_meeting_of_two_levels_tells():
    """Both kinds of images have a bright spot in each level; in one kind they share a place."""
    torch.manual_seed(0)
    levels = [LevelInfo("a", 1, 8), LevelInfo("b", 1, 16)]
    layer = LocalFusion(levels, stride=8, width=16, layers=2, pooled=[], pooled_width=5)
    head = nn.Linear(layer.width, 1)
    fine, deep = torch.zeros(256, 1, 8, 8), torch.zeros(256, 1, 4, 4)
    place = torch.randint(16, (256,))
    together = torch.arange(256) % 2
    other = (place + torch.randint(1, 16, (256,))) % 16
    deep.flatten(1)[torch.arange(256), place] = 1
    shown = torch.where(together.bool(), place, other)
    fine[torch.arange(256), 0, shown // 4 * 2, shown % 4 * 2] = 1
    layer.fit([[fine, deep]])
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.01)
    for _ in range(100):
        loss = F.binary_cross_entropy_with_logits(head(layer([fine, deep]))[:, 0], together.float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    right = ((head(layer.eval()([fine, deep]))[:, 0] > 0) == together.bool()).float().mean()
    assert float(right) > 0.95


def test_it_reads_the_levels_of_the_default_backbone():
    backbone = EfficientNetLite0(image_size=64, weights=None, levels=[]).build()
    assert backbone.levels == tuple(
        LevelInfo(level.name, known.channels, known.stride)
        for level, known in zip(backbone.levels, LITE0, strict=True)
    )
    layer = LocalFusion(backbone.levels, stride=8, width=4, layers=1, pooled=[], pooled_width=5)
    with torch.inference_mode():
        maps = backbone(torch.randn(2, 3, 64, 64))
    by_level = dict(zip([level.name for level in backbone.levels], maps, strict=True))
    inputs = inputs_of(layer, by_level)
    assert inputs[0].shape == (2, 16, 8, 8)
    assert layer(inputs).shape == (2, 8)


@pytest.mark.parametrize("keys", [{}, {"pooled": ["mean"]}, {"layers": 1}])
def test_what_places_add_is_the_whole_of_a_weighted_sum(keys):
    layer = small(**keys).eval()
    inputs = inputs_of(layer, maps_of(3, 64, 96))
    weights = torch.randn(3, layer.width)
    with torch.no_grad():
        found = layer.where(inputs, weights)
        expected = (weights * layer(inputs))[:, :12].sum(dim=1)
    assert found.shape == (3, 8, 12)
    torch.testing.assert_close(found.sum(dim=(1, 2)), expected)


def test_it_points_to_the_place_that_differs():
    layer = small().eval()
    maps = {name: torch.zeros_like(map_) for name, map_ in maps_of(1).items()}
    maps["grid"][0, :, 5, 2] = 4.0
    with torch.no_grad():
        plain, changed = (
            layer(inputs_of(layer, m))
            for m in ({n: torch.zeros_like(v) for n, v in maps.items()}, maps)
        )
        found = layer.where(inputs_of(layer, maps), (changed - plain).sign())
    assert divmod(int(found[0].argmax()), 8) == (5, 2)
