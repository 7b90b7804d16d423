"""How a level's map becomes the numbers that fusion layers read and the store keeps."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.errors import UserError, nearest


@dataclass(frozen=True)
class LevelInput:
    """One input of a fusion layer: a level, and how it is pooled."""

    level: str
    pooling: str

    @property
    def name(self) -> str:
        """The key under which the store keeps it."""
        return f"{self.level}/{self.pooling}"


def mean_inputs(levels: Iterable[LevelInfo]) -> list[LevelInput]:
    """Return the mean of each level as an input."""
    return [LevelInput(level.name, "mean") for level in levels]


def _largest(maps: Tensor) -> Tensor:
    # On a processor a window of the whole map takes a tenth of what amax takes, channels-last.
    maps = maps.float()
    if maps.device.type != "cpu":
        return maps.amax(dim=(2, 3))
    return F.max_pool2d(maps, maps.shape[2:]).flatten(1)


def _smallest(maps: Tensor) -> Tensor:
    maps = maps.float()
    return maps.amin(dim=(2, 3)) if maps.device.type != "cpu" else -_largest(-maps)


def _deviation(maps: Tensor) -> Tensor:
    # Two-pass and uncorrected: a level of 1x1 gives 0 and not NaN.
    maps = maps.float()
    return (maps - maps.mean(dim=(2, 3), keepdim=True)).square().mean(dim=(2, 3)).sqrt()


def _range(maps: Tensor) -> Tensor:
    # Every second window is a quarter of the work, and any two neighbours still lie in one.
    maps = maps.float()
    window = [min(3, side) for side in maps.shape[2:]]
    pool = partial(F.max_pool2d, kernel_size=window, stride=2, padding=[w // 3 for w in window])
    return _largest(pool(maps) + pool(-maps))


def _largest_of_cells(maps: Tensor, side: int) -> Tensor:
    # The last cells may be smaller: what lies at the edge is seen as well.
    maps = maps.float()
    window = [min(side, length) for length in maps.shape[2:]]
    return F.max_pool2d(maps, window, ceil_mode=True)


def _smallest_of_cells(maps: Tensor, side: int) -> Tensor:
    return -_largest_of_cells(-maps, side)


GRID = 4
"""Cells along each side of the grid."""

CELLS = (2, 4, 8, 16)
"""Positions along each side of the cells whose maximum and minimum can be taken."""

POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda maps: maps.float().mean(dim=(2, 3)),
    "max": _largest,
    "min": _smallest,
    "deviation": _deviation,
    "range": _range,
    "grid": lambda maps: F.adaptive_avg_pool2d(maps.float(), GRID),
    "map": lambda maps: maps.float(),
    **{f"cell{side}_max": partial(_largest_of_cells, side=side) for side in CELLS},
    **{f"cell{side}_min": partial(_smallest_of_cells, side=side) for side in CELLS},
}
"""Maps (B, C, H, W) to (B, C); to (B, C, 4, 4) for grid; to maps for the kinds in `MAPS`.

Mean, max, min and deviation are over all positions. Range is the largest difference of a channel
within any 3 x 3 neighbouring positions; grid are the means of 4 x 4 cells. A map stays as it is;
cell4_max is the maximum of each cell of 4 x 4 positions: (B, C, H / 4, W / 4), rounded up.
"""

MAPS = ("map", *(f"cell{side}_{kind}" for side in CELLS for kind in ("max", "min")))
"""Poolings that keep places, more of them in a larger image; the store holds them as float16."""

STANDARD = ("mean", "max", "min", "deviation", "range")
"""Kept for every image, so that another fusion layer finds them stored."""


def standard_inputs(levels: Sequence[LevelInfo]) -> list[LevelInput]:
    """Return what is kept of every level."""
    return [LevelInput(level.name, pooling) for level in levels for pooling in STANDARD]


def pooling(name: str) -> Callable[[Tensor], Tensor]:
    """Return the function of that name.

    Raises:
        UserError: There is none; the message gives the nearest names.
    """
    if name not in POOLINGS:
        raise UserError(f"fusion.pooling: '{name}' is unknown; {nearest(name, POOLINGS)}")
    return POOLINGS[name]


def pooled(maps: Mapping[str, Tensor], inputs: Sequence[LevelInput]) -> list[Tensor]:
    """Return one tensor (B, ...) per input from the maps (B, C_l, H_l, W_l) by level, in fp32."""
    # Half precision is widened once for each level, and not once for each pooling.
    wide = {level: maps[level].float() for level in dict.fromkeys(item.level for item in inputs)}
    return [pooling(item.pooling)(wide[item.level]) for item in inputs]


def cells(name: str) -> int:
    """Return how many numbers a pooling has for each channel, at any size of the map.

    Raises:
        UserError: There is none of that name, or their number depends on the size of the image.
    """
    pooling(name)
    if name in MAPS:
        raise UserError(f"fusion.pooling: '{name}' has the size of the image's maps; use 'grid'")
    return GRID * GRID if name == "grid" else 1
