"""Fixed variations of an image, numbered, so that their features can be stored."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mlff_cli.images.changes import CHANGES

VERSION = "1"
"""Enters the key of every varied image; another drawing of the views is another key."""


def view_version(changes: Sequence[str]) -> str:
    """Return what enters the key of an image varied by these changes, in whatever order."""
    return "/".join([VERSION, *sorted(changes)])


def view_of(images: Tensor, view: int, changes: Sequence[str] = CHANGES) -> Tensor:
    """Return view number `view` of uint8 images (B, 3, H, W); view 0 is the plain image.

    Flips run through their four combinations; shift (up to 6 % of the side, edges repeated) and
    brightness (up to 15 %) are drawn from the number alone, the same for every image. Of these,
    only the `changes` named are made.
    """
    if view == 0:
        return images
    generator = torch.Generator().manual_seed(view)
    draw = torch.rand(3, generator=generator).tolist()
    if view & 1 and "flips" in changes:
        images = images.flip(3)
    if view & 2 and "flips" in changes:
        images = images.flip(2)
    if "shifts" in changes:
        side = images.shape[-1]
        reach = max(1, round(side * 0.06))
        top, left = (reach + round((value * 2 - 1) * reach) for value in draw[:2])
        padded = torch.nn.functional.pad(images.float(), (reach,) * 4, mode="replicate")
        images = padded[:, :, top : top + side, left : left + side]
    brightness = 1 + (draw[2] * 2 - 1) * 0.15 if "brightness" in changes else 1.0
    varied: Tensor = (images * brightness).round().clamp(0, 255).to(torch.uint8)
    return varied
