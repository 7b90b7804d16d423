"""BatchNorm folded into the convolutions before it: the same maps in half the time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mlff_cli.backbones.levels import sides
from mlff_cli.backbones.network import Backbone

TOLERANCE = 1e-3
"""How far a map may lie from that of the plain network, as a share of its largest number."""


def folded(backbone: Backbone) -> Backbone:
    """Return a frozen network that computes the same with fewer layers; the given one stays.

    Folded is each BatchNorm that reads what a convolution has just given. One image of noise goes
    through both networks: where anything else reads the convolution as well, or the network has
    ways of its own, their maps differ, and it is returned as it is.
    """
    copied = deepcopy(backbone)
    images = _noise(backbone)
    pairs, maps = _pairs(copied.module, images)
    for convolution, norm in pairs:
        _fold(copied.module, convolution, norm)
    with torch.inference_mode():
        same = all(close(*pair) for pair in zip(copied(images), maps, strict=True))
    return copied if pairs and same else backbone


def _noise(backbone: Backbone) -> Tensor:
    """Return one normalised image of the network's size, always the same."""
    shape = (1, 3, *sides(backbone.preprocessing.size))
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def _pairs(module: nn.Module, images: Tensor) -> tuple[list[tuple[str, str]], list[Tensor]]:
    """Return names of convolutions and of what normalises them, and the maps of the images."""
    given: dict[int, tuple[str, Tensor]] = {}  # by identity; kept, or another takes its place
    calls: list[str] = []
    pairs = []

    def convolved(name: str, _: Any, output: Tensor) -> None:
        calls.append(name)
        given[id(output)] = name, output

    def normalised(name: str, inputs: tuple[Tensor], _: Tensor) -> None:
        calls.append(name)
        if id(inputs[0]) in given:
            pairs.append((given[id(inputs[0])][0], name))

    with _watched(module, _convolutions(), convolved), _watched(module, _norms(), normalised):
        maps = module(images)
    once = [pair for pair in pairs if all(calls.count(name) == 1 for name in pair)]
    return once, maps


@contextmanager
def _watched(
    module: nn.Module, kinds: tuple[type, ...], see: Callable[[str, Any, Any], None]
) -> Iterator[None]:
    """Call `see` with name, inputs and output of each layer of exactly these kinds."""
    handles = [
        layer.register_forward_hook(lambda _, inputs, output, name=name: see(name, inputs, output))
        for name, layer in module.named_modules()
        if type(layer) in kinds
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _convolutions() -> tuple[type, ...]:
    """Return the kinds that use their weights as they are; others derived from them need not."""
    from timm.layers.conv2d_same import Conv2dSame

    return nn.Conv2d, Conv2dSame


def _norms() -> tuple[type, ...]:
    from timm.layers.norm_act import BatchNormAct2d

    return nn.BatchNorm2d, BatchNormAct2d


def _fold(module: nn.Module, convolution: str, norm: str) -> None:
    """Replace both layers: by one convolution, and by what else the second one does."""
    first: Any = module.get_submodule(convolution)
    second: Any = module.get_submodule(norm)
    module.set_submodule(convolution, fuse_conv_bn_eval(first, second))
    # timm's carries the activation.
    rest = nn.Sequential(second.drop, second.act) if hasattr(second, "act") else nn.Identity()
    module.set_submodule(norm, rest.eval())


def close(one: Tensor, other: Tensor) -> bool:
    """Return whether numbers differ by a small share of the largest at most."""
    return bool((one - other).abs().max() <= TOLERANCE * other.abs().max())
