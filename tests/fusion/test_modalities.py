"""Any fusion layer over several images of a part: what stands for one that is missing."""

import pytest
import torch

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.fusion.conv1x1 import Conv1x1Fusion
from mlff_cli.fusion.deepest import DeepestLevel
from mlff_cli.fusion.local import LocalFusion
from mlff_cli.fusion.modalities import ModalityFusion
from mlff_cli.fusion.normalised_means import NormalisedMeans

LEVELS = [LevelInfo("visual:one", 3, 8), LevelInfo("thermal:one", 3, 8),
          LevelInfo("visual:two", 5, 16), LevelInfo("thermal:two", 5, 16)]  # fmt: skip
LAYERS = {
    "conv1x1": lambda: Conv1x1Fusion(LEVELS, width=4, pooling=["mean", "max"]),
    "local": lambda: LocalFusion(
        LEVELS, stride=16, width=4, layers=2, pooled=["mean"], pooled_width=3
    ),
    "deepest": lambda: DeepestLevel(LEVELS),
    "normalised_means": lambda: NormalisedMeans(LEVELS, random_features=0),
}


def layer_and_inputs(name, dropout=0.0, count=20):
    torch.manual_seed(0)
    layer = ModalityFusion(LAYERS[name](), LEVELS, dropout).eval()
    channels = {level.name: level.channels for level in LEVELS}
    inputs = []
    for item in layer.inputs:
        side = 4 if item.level.endswith("one") else 2
        places = (side, side) if item.pooling == "map" or "cell" in item.pooling else ()
        inputs.append(5 + torch.rand(count, channels[item.level], *places))
    return layer, inputs


def without(inputs, layer, modality, rows):
    """Return the inputs, rows of one modality missing."""
    found = [part.clone() for part in inputs]
    for item, part in zip(layer.inputs, found, strict=True):
        if item.level.startswith(modality):
            part[rows] = torch.nan
    return found


@pytest.mark.parametrize("name", LAYERS)
@torch.no_grad()
def test_the_mean_of_training_stands_for_what_is_missing(name):
    layer, inputs = layer_and_inputs(name)
    gap = torch.arange(20) < 5
    given = without(inputs, layer, "thermal", gap)
    layer.fit([[part[:10] for part in given], [part[10:] for part in given]])
    filled = []
    for item, part in zip(layer.inputs, inputs, strict=True):
        known = part if item.level.startswith("visual") else part[~gap]
        mean = known.double().mean(dim=[0, *range(2, part.ndim)])
        mean = mean.float().view(-1, *(1,) * (part.ndim - 2)).expand(part.shape[1:])
        filled.append(part.clone())
        if item.level.startswith("thermal"):
            filled[-1][gap] = mean
    whole = layer(filled)
    assert whole.shape == (20, layer.width) and bool(whole.isfinite().all())
    torch.testing.assert_close(layer(given), whole)
    assert torch.equal(layer(given)[~gap], layer(inputs)[~gap])


@torch.no_grad()
def test_without_gaps_it_is_the_layer_itself():
    layer, inputs = layer_and_inputs("conv1x1", dropout=0.5)
    layer.fit([inputs])
    assert torch.equal(layer(inputs), layer.own(inputs))
    assert layer.level_weights().keys() == {level.name for level in LEVELS}


@torch.no_grad()
def test_training_leaves_modalities_out_but_never_all_of_an_image():
    layer, inputs = layer_and_inputs("conv1x1", dropout=0.5, count=2000)
    layer.fit([inputs])
    given = without(inputs, layer, "thermal", torch.arange(2000) < 500)
    torch.manual_seed(3)
    kept = layer._drawn(layer.there(given))
    assert bool(kept.any(dim=1).all())
    assert bool(kept[:500, 0].all()) and not bool(kept[:500, 1].any())
    # Of two, both are kept in a quarter of the images, and where neither was, both are again.
    both = float(kept[500:].all(dim=1).float().mean())
    assert 0.45 < both < 0.55
    layer.train()
    torch.manual_seed(3)
    first = layer(given)
    torch.manual_seed(3)
    assert torch.equal(first, layer(given)) and not torch.equal(first, layer.eval()(given))


def test_gaps_let_no_gradient_become_nan():
    layer, inputs = layer_and_inputs("local", dropout=0.5)
    layer.fit([inputs])
    given = without(inputs, layer, "visual", torch.arange(20) % 2 == 0)
    layer.train()
    layer(given).square().sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in layer.parameters() if p.grad is not None)


@torch.no_grad()
def test_of_a_modality_that_nobody_has_nothing_is_known():
    layer, inputs = layer_and_inputs("conv1x1")
    given = without(inputs, layer, "thermal", slice(None))
    layer.fit([given])
    assert bool(layer(given).isfinite().all()) and bool(layer.stand_ins.isfinite().all())


def test_the_deepest_level_is_that_of_every_modality():
    layer = DeepestLevel(LEVELS)
    assert [item.level for item in layer.inputs] == ["visual:two", "thermal:two"]
    assert layer.width == 10


def test_what_it_learned_is_loaded_again():
    layer, inputs = layer_and_inputs("local")
    layer.fit([inputs])
    other, _ = layer_and_inputs("local")
    other.load_state_dict(layer.state_dict())
    given = without(inputs, layer, "thermal", slice(0, 3))
    assert torch.equal(other(given), layer(given)) and bool(other.fitted)
