"""Local fusion: levels meet at every place of the image, before anything is pooled.

A small defect shows in how levels combine at one place. Maxima and means of single channels over
the whole image have lost that; here they are taken of what a small network says of each place.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features.pooling import CELLS, LevelInput
from mlff_cli.fusion.base import FusionLayer, Standardisation, fit_together


class LocalFusion(FusionLayer):
    """Descriptor = maximum and mean over the places of a grid, one for every `stride` pixels.

    Levels finer than the grid are read as maximum and minimum of each of its cells, all others as
    they are. A 1x1 convolution and interpolation commute, so each level is convolved at its own
    resolution, then brought to the grid and added. BatchNorm and GELU follow, then `layers` - 1
    further 1x1 convolutions with GELU.

    With `pooled` ways of pooling a linear layer reads all levels pooled over the whole image as
    well; its channels stand behind the others.
    """

    def __init__(
        self,
        levels: Sequence[LevelInfo],
        *,
        stride: int,
        width: int,
        layers: int,
        pooled: Sequence[str],
    ) -> None:
        super().__init__()
        local = [(level, kind) for level in levels for kind in _kinds(level, stride)]
        whole = [(level, kind) for level in levels for kind in pooled]
        self.inputs = tuple(LevelInput(level.name, kind) for level, kind in local + whole)
        self.width = width * (3 if whole else 2)
        self.counts = [level.channels for level, _ in local]
        self.scalings = nn.ModuleList(Standardisation(level.channels) for level, _ in local + whole)
        # Those of all levels side by side; without a bias, which BatchNorm would take out again.
        self.convolution = nn.Conv2d(sum(self.counts), width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.deeper = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(layers - 1))
        self.branch = nn.Linear(sum(level.channels for level, _ in whole), width) if whole else None

    def take_constants(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Take the constants of every channel, over all places, from batches of all inputs."""
        fit_together(list(self._scalings()), batches)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse maps (B, C_l, H_l, W_l), then pooled vectors (B, C_l), into (B, width)."""
        scaled = [scale(part) for scale, part in zip(self._scalings(), inputs, strict=True)]
        places = self._places(scaled[: len(self.counts)])  # (B, D, H, W)
        parts = [places.amax(dim=(2, 3)), places.mean(dim=(2, 3))]
        if self.branch is not None:
            parts.append(self.branch(torch.cat(scaled[len(self.counts) :], dim=1)))
        return torch.cat(parts, dim=1)

    def _places(self, maps: Sequence[Tensor]) -> Tensor:
        """Return what is said of each place (B, D, H, W) from maps (B, C_l, H_l, W_l)."""
        grid = [max(sides) for sides in zip(*(part.shape[2:] for part in maps), strict=True)]
        fused = reduce(torch.add, [_interpolated(part, grid) for part in self._convolved(maps)])
        # One place in one image has no variance: it is normalised by what was seen so far.
        self.norm.train(self.training and fused.shape[0] * fused.shape[2] * fused.shape[3] > 1)
        fused = F.gelu(self.norm(fused))
        for convolution in self.deeper:
            fused = F.gelu(convolution(fused))
        return fused

    def _convolved(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return one sum of convolutions (B, D, h, w) for each size that maps have."""
        kernels = torch.split(self.convolution.weight, self.counts, dim=1)
        alike: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
        for part, kernel in zip(maps, kernels, strict=True):
            alike.setdefault(part.shape[2:], []).append((part, kernel))
        groups = (map(list, zip(*pairs, strict=True)) for pairs in alike.values())
        return [F.conv2d(torch.cat(parts, dim=1), torch.cat(own, dim=1)) for parts, own in groups]

    def _scalings(self) -> Iterable[Standardisation]:
        for scaling in self.scalings:
            assert isinstance(scaling, Standardisation)
            yield scaling


def _kinds(level: LevelInfo, stride: int) -> list[str]:
    """Return how a level is read for a grid: as its map, or the extremes of cells of it."""
    fitting = [side for side in CELLS if side * level.stride <= stride]
    return [f"cell{fitting[-1]}_max", f"cell{fitting[-1]}_min"] if fitting else ["map"]


def _interpolated(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Return maps (B, C, h, w) brought to (B, C, *size) bilinearly.

    As products of matrices: the gradient of torch's function differs from time to time on a GPU,
    and takes ten times as long on a processor.
    """
    if list(maps.shape[2:]) == list(size):
        return maps
    down, across = (_weights(*sides, like=maps) for sides in zip(maps.shape[2:], size, strict=True))
    return down @ maps @ across.T


def _weights(old: int, new: int, like: Tensor) -> Tensor:
    """Return the matrix (new, old) of a linear interpolation."""
    unit = torch.eye(old, device=like.device)[None]
    return F.interpolate(unit, size=new, mode="linear")[0].T.to(like.dtype)
