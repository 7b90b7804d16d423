"""Local fusion: levels meet at every place of the image, before anything is pooled.

A small defect shows in how levels combine at one place. Maxima and means of single channels over
the whole image have lost that; here they are taken of what a small network says of each place.
"""

import math
from collections.abc import Iterable, Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features.columns import side_by_side
from mlff_cli.features.pooling import CELLS, LevelInput
from mlff_cli.fusion.alignment import Transform, absorbed
from mlff_cli.fusion.base import FusionLayer, Standardisation, fit_together


class LocalFusion(FusionLayer):
    """Descriptor = maximum and mean over the places of a grid, one for every `stride` pixels.

    Levels finer than the grid are read as maximum and minimum of each of its cells, all others as
    they are. A 1x1 convolution and interpolation commute, so each level is convolved at its own
    resolution, then brought to the grid and added. BatchNorm and GELU follow, then `layers` - 1
    further 1x1 convolutions with GELU. Convolutions are written as linear layers over places,
    which take half the time on a processor.

    With `pooled` ways of pooling a linear layer reads all levels pooled over the whole image as
    well; its `pooled_width` channels stand behind the others.
    """

    has_places = True
    can_align = True

    def __init__(
        self,
        levels: Sequence[LevelInfo],
        *,
        stride: int,
        width: int,
        layers: int,
        pooled: Sequence[str],
        pooled_width: int,
    ) -> None:
        super().__init__()
        local = [(level, kind) for level in levels for kind in _kinds(level, stride)]
        whole = [(level, kind) for level in levels for kind in pooled]
        self.inputs = tuple(LevelInput(level.name, kind) for level, kind in local + whole)
        self.width = 2 * width + (pooled_width if whole else 0)
        self.counts = [level.channels for level, _ in local]
        self.scalings = nn.ModuleList(Standardisation(level.channels) for level, _ in local + whole)
        # Those of all levels side by side; without a bias, which BatchNorm would take out again.
        self.first = nn.Linear(sum(self.counts), width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.deeper = nn.ModuleList(nn.Linear(width, width) for _ in range(layers - 1))
        channels = sum(level.channels for level, _ in whole)
        self.branch = nn.Linear(channels, pooled_width) if whole else None

    def take_constants(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Take the constants of every channel, over all places, from batches of all inputs."""
        fit_together(list(self._scalings()), batches)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse maps (B, C_l, H_l, W_l), then pooled vectors (B, C_l), into (B, width)."""
        count = len(self.counts)
        places, _ = self._places(inputs[:count])  # (B, P, D)
        parts = [places.amax(dim=1), places.mean(dim=1)]
        if self.branch is not None:
            scalings = list(self._scalings())[count:]
            scaled = [scale(part) for scale, part in zip(scalings, inputs[count:], strict=True)]
            parts.append(self.branch(torch.cat(scaled, dim=1)))
        return torch.cat(parts, dim=1)

    @torch.no_grad()
    def align(self, transforms: Sequence[Transform]) -> None:
        """Put transforms of all inputs into the constants and the weights that read them."""
        layers = [self.first, *([self.branch] if self.branch is not None else [])]
        kernels = [part for layer in layers for part in self._kernels(layer)]
        for transform, scaling, kernel in zip(transforms, self._scalings(), kernels, strict=True):
            found = absorbed(transform, scaling.mean.cpu(), scaling.std.cpu(), kernel.cpu())
            scaling.mean.copy_(found.mean)
            scaling.std.copy_(found.deviation)
            kernel.copy_(found.weight)

    def where(self, inputs: Sequence[Tensor], weights: Tensor) -> Tensor:
        """Return what each place adds to a weighted sum of the descriptor (B, H, W).

        A maximum is what its place says, a mean is shared by all. The pooled branch has no places.
        """
        places, grid = self._places(inputs[: len(self.counts)])  # (B, P, D)
        width = places.shape[2]
        highest, means = weights[:, None, :width], weights[:, None, width : 2 * width]  # (B, 1, D)
        tops = torch.zeros_like(places).scatter(1, places.argmax(dim=1, keepdim=True), 1.0)
        added = (places * (tops * highest + means / places.shape[1])).sum(dim=2)  # (B, P)
        return added.view(len(added), *grid)

    def _places(self, maps: Sequence[Tensor]) -> tuple[Tensor, list[int]]:
        """Return what is said of each place (B, P, D), row by row, and the sides of the grid.

        Made from maps (B, C_l, H_l, W_l).
        """
        grid = [max(sides) for sides in zip(*(part.shape[2:] for part in maps), strict=True)]
        fused = reduce(torch.add, self._convolved(maps, grid))
        count, places, _ = fused.shape
        fused = fused.flatten(0, 1)
        # One place in one image has no variance: it is normalised by what was seen so far.
        self.norm.train(self.training and len(fused) > 1)
        fused = F.gelu(self.norm(fused))
        for layer in self.deeper:
            fused = F.gelu(layer(fused))
        return fused.view(count, places, -1), grid

    def _convolved(self, maps: Sequence[Tensor], grid: Sequence[int]) -> list[Tensor]:
        """Return one sum of convolutions (B, P, D) on the grid for each size that maps have.

        Constants are put into the weights, which are fewer than what they standardise.
        """
        kernels = torch.split(self.first.weight, self.counts, dim=1)
        alike: dict[torch.Size, list[tuple[Tensor, Tensor, Tensor]]] = {}
        # There may be more scalings: those of the pooled branch stand behind.
        for part, kernel, scaling in zip(maps, kernels, self._scalings(), strict=False):
            rows = part.flatten(2).transpose(1, 2)  # (B, h w, C_l)
            scaled = kernel / scaling.std
            alike.setdefault(part.shape[2:], []).append((rows, scaled, -scaled @ scaling.mean))
        sums = []
        for size, group in alike.items():
            parts, weights, shifts = map(list, zip(*group, strict=True))
            weight, shift = torch.cat(weights, dim=1), torch.stack(shifts).sum(dim=0)
            sums.append(_interpolated(F.linear(side_by_side(parts), weight, shift), size, grid))
        return sums

    def _kernels(self, layer: nn.Linear) -> Sequence[Tensor]:
        """Return the weights (O, C_l) of a layer by the inputs that it reads."""
        count = len(self.counts)
        channels = [len(scaling.mean) for scaling in self._scalings()]
        own = channels[:count] if layer is self.first else channels[count:]
        return torch.split(layer.weight, own, dim=1)

    def _scalings(self) -> Iterable[Standardisation]:
        for scaling in self.scalings:
            assert isinstance(scaling, Standardisation)
            yield scaling


def _kinds(level: LevelInfo, stride: int) -> list[str]:
    """Return how a level is read for a grid: as its map, or the extremes of cells of it."""
    fitting = [side for side in CELLS if side * level.stride <= stride]
    return [f"cell{fitting[-1]}_max", f"cell{fitting[-1]}_min"] if fitting else ["map"]


def _interpolated(rows: Tensor, old: Sequence[int], new: Sequence[int]) -> Tensor:
    """Return maps of a size, as rows (B, h w, C), brought to another size bilinearly.

    As a product of matrices: the gradient of torch's function differs from time to time on a GPU,
    and takes ten times as long on a processor.
    """
    if list(old) == list(new):
        return rows
    places = torch.eye(math.prod(old), device=rows.device).view(-1, 1, *old)
    weights = F.interpolate(places, size=tuple(new), mode="bilinear").flatten(1).T  # (P, h w)
    return weights.to(rows.dtype) @ rows
