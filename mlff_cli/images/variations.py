"""Variations of an image: what data may admit, stored ones by number, and random ones.

Light to import: data sets hold their keys to the names that stand here.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlff_cli.errors import UserError, nearest

if TYPE_CHECKING:
    from torch import Tensor

VARIATIONS = ("flips", "shifts", "brightness")
"""What a variation may do to an image; a data set names what leaves its labels true."""

VERSION = "1"
"""Enters the key of every varied image; another way of varying is another key."""

SHIFT = 0.06
"""Largest shift, as a share of the image's side."""

BRIGHTNESS = 0.15
"""Largest change of brightness and of contrast, as a share of the value."""


def check_variations(kinds: Sequence[str]) -> None:
    """Raise `UserError` with the nearest names where there is no such kind of variation."""
    for kind in kinds:
        if kind not in VARIATIONS:
            raise UserError(f"data.variations: '{kind}' is unknown; {nearest(kind, VARIATIONS)}")


def variation_version(kinds: Sequence[str]) -> str:
    """Return what enters the key of an image that was varied in these ways, in any order."""
    return "/".join([VERSION, *sorted(kinds)])


def varied(images: "Tensor", variation: int, kinds: Sequence[str] = VARIATIONS) -> "Tensor":
    """Return a variation of uint8 images (B, 3, H, W) by its number; 0 is the plain image.

    Flips run through their four combinations; shift (edges repeated) and brightness are drawn
    from the number alone, the same for every image. Only what `kinds` names is done.
    """
    import torch

    if variation == 0:
        return images
    draw = torch.rand(3, generator=torch.Generator().manual_seed(variation)).tolist()
    if variation & 1 and "flips" in kinds:
        images = images.flip(3)
    if variation & 2 and "flips" in kinds:
        images = images.flip(2)
    if "shifts" in kinds:
        images = _shifted(images, draw[0], draw[1])
    factor = 1 + (draw[2] * 2 - 1) * BRIGHTNESS if "brightness" in kinds else 1.0
    return (images * factor).round().clamp(0, 255).to(torch.uint8)


def _shifted(images: "Tensor", down: float, right: float) -> "Tensor":
    """Shift images (B, 3, H, W) by shares (0 to 1) of the way from one end to the other."""
    from torch.nn import functional as F

    height, width = images.shape[-2:]
    low, wide = (max(1, round(side * SHIFT)) for side in (height, width))
    top, left = low + round((down * 2 - 1) * low), wide + round((right * 2 - 1) * wide)
    padded = F.pad(images.float(), (wide, wide, low, low), mode="replicate")
    return padded[:, :, top : top + height, left : left + width]


def random_variation(kinds: Sequence[str]) -> Callable[["Tensor"], "Tensor"]:
    """Return what varies each of the uint8 images (B, 3, H, W) on its own, drawn at every call.

    As usual in fine-tuning, from torch's random state: flips, shifts, brightness and contrast, as
    far as `kinds` names them.
    """
    from mlff_cli.backbones.torchvision_remedy import import_torchvision

    check_variations(kinds)
    import_torchvision()
    import torch
    from torchvision.transforms import v2

    transforms = {
        "flips": [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()],
        "shifts": [v2.RandomAffine(degrees=0, translate=(SHIFT, SHIFT))],
        "brightness": [v2.ColorJitter(brightness=BRIGHTNESS, contrast=BRIGHTNESS)],
    }
    chosen = [transform for kind in kinds for transform in transforms[kind]]
    if not chosen:
        return lambda images: images
    vary = v2.Compose(chosen)
    return lambda images: torch.stack([vary(image) for image in images])
