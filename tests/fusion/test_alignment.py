"""Alignment: new features are brought to the statistics of old ones, and layers absorb that."""

import pytest
import torch
from torch import nn

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.fusion.alignment import WAYS, absorbed, coral, standardising, statistics_of
from mlff_cli.fusion.local import LocalFusion

LEVELS = (LevelInfo("fine", 3, 4), LevelInfo("grid", 4, 8), LevelInfo("deep", 5, 32))


def rows(count, channels, *, seed, scale=1.0, shift=0.0):
    draws = torch.Generator().manual_seed(seed)
    mixed = torch.randn(channels, channels, generator=draws)
    return scale * torch.randn(count, channels, generator=draws) @ mixed + shift


def mapped(transform, values):
    scaled = (values.double() - transform.target.mean) / transform.target.deviation
    return scaled @ transform.rotation.T * transform.source.deviation + transform.source.mean


def statistics(values):
    return statistics_of([[values]])[0]


def test_statistics_are_over_images_and_places_whatever_the_batches():
    maps = torch.randn(6, 4, 3, 2) * 3 + 100
    flat = maps.movedim(1, -1).reshape(-1, 4).double()
    for batches in ([[maps]], [[maps[:1]], [maps[1:]]]):
        (found,) = statistics_of(batches)
        torch.testing.assert_close(found.mean, flat.mean(dim=0))
        torch.testing.assert_close(found.deviation, flat.std(dim=0, correction=0))
        torch.testing.assert_close(found.correlation, torch.corrcoef(flat.T))


def test_standardising_gives_mean_and_deviation_of_the_source():
    old, new = rows(500, 4, seed=1), rows(300, 4, seed=2, scale=5.0, shift=7.0)
    found = mapped(standardising(statistics(old), statistics(new)), new)
    torch.testing.assert_close(found.mean(dim=0), old.double().mean(dim=0))
    torch.testing.assert_close(found.std(0, correction=0), old.double().std(0, correction=0))


def test_coral_brings_correlations_nearer_as_well():
    old, new = rows(500, 4, seed=1), rows(500, 4, seed=2, shift=3.0)
    source, target = statistics(old), statistics(new)
    apart = {
        name: (statistics(mapped(way(source, target), new)).correlation - source.correlation).norm()
        for name, way in WAYS.items()
    }
    assert apart["coral"] < 0.75 * apart["standardise"]


@pytest.mark.parametrize("way", WAYS.values())
def test_of_the_same_domain_nothing_changes(way):
    old = rows(500, 4, seed=1)
    found = way(statistics(old), statistics(old))
    torch.testing.assert_close(mapped(found, old), old.double())


def test_a_channel_that_never_varies_does_no_harm():
    old, new = rows(50, 3, seed=1), rows(50, 3, seed=2)
    old[:, 0], new[:, 1] = 2.0, 5.0
    for way in WAYS.values():
        assert mapped(way(statistics(old), statistics(new)), new).isfinite().all()


@pytest.mark.parametrize("way", [standardising, coral])
def test_what_follows_absorbs_a_transform(way):
    old, new = rows(200, 4, seed=1), rows(200, 4, seed=2, scale=2.0, shift=1.0)
    transform = way(statistics(old), statistics(new))
    mean, deviation, weight = torch.randn(4), torch.rand(4) + 0.5, torch.randn(6, 4)
    found = absorbed(transform, mean, deviation, weight)
    wanted = (mapped(transform, new) - mean.double()) / deviation.double() @ weight.double().T
    got = (new - found.mean) / found.deviation @ found.weight.T
    torch.testing.assert_close(got.double(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pooled", [(), ("mean",)])
@pytest.mark.parametrize("way", [standardising, coral])
def test_an_aligned_layer_reads_new_features_as_it_read_aligned_ones(pooled, way):
    torch.manual_seed(3)
    layer = LocalFusion(LEVELS, stride=8, width=6, layers=2, pooled=pooled, pooled_width=5).eval()
    shapes = {"cell2_max": (8, 8), "cell2_min": (8, 8), "map": (8, 8), "mean": ()}
    channels = {level.name: level.channels for level in LEVELS}
    old = [torch.randn(20, channels[i.level], *shapes[i.pooling]) for i in layer.inputs]
    new = [part * 3 + torch.randn(part.shape[1]).view(-1, *(1,) * (part.ndim - 2)) for part in old]
    nn.init.normal_(layer.norm.running_mean)
    layer.fit([old])
    transforms = list(map(way, statistics_of([old]), statistics_of([new])))
    aligned = [
        mapped(transform, part.movedim(1, -1)).movedim(-1, 1).float()
        for transform, part in zip(transforms, new, strict=True)
    ]
    with torch.no_grad():
        wanted = layer(aligned)
        layer.align(transforms)
        got = layer(new)
    torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-4)
