"""What is given to be looked at: paths, pictures and arrays, one or many of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

    from mlff_cli.data.asked import Asked, One

ImageLike: TypeAlias = Union[str, Path, "Image.Image", NDArray[np.uint8], NDArray[np.uint16]]
"""A path, a picture of Pillow, or an array: RGB (H, W, 3) of uint8, grey (H, W) of 8 or 16 bits."""


def parts_about(
    images: ImageLike | Iterable[ImageLike], modalities: Sequence[str]
) -> "list[Asked]":
    """Return images as `asked_about` does, with modalities those of each part together.

    Raises:
        UserError: As there, or images in memory are given of parts with several.
    """
    from mlff_cli.data.asked import asked

    if not modalities:
        return list(asked_about(images))
    listed = list(_listed(images))
    if not all(isinstance(image, str | Path) for image in listed):
        raise UserError(
            f"this run reads {', '.join(modalities)} of each part: give paths, not images in memory"
        )
    return asked([str(image) for image in listed], modalities)


def asked_about(images: ImageLike | Iterable[ImageLike]) -> "list[One]":
    """Return images in their order: each path once, what a folder, pattern or list stands for.

    An array (N, H, W, 3) stands for N images.

    Raises:
        UserError: There is none, or it is nothing that can be looked at.
    """
    from mlff_cli.data.asked import asked_images
    from mlff_cli.images.given import given_image

    found: list[One] = []
    for image in _listed(images):
        if isinstance(image, str | Path):
            found += [path for path in asked_images([str(image)]) if path not in found]
        else:
            found.append(given_image(f"image {len(found)}", image))
    if not found:
        raise UserError("there is no image; give paths, pictures of Pillow, or arrays")
    return found


def _listed(images: Any) -> list[Any]:
    """Return the images as a list, whether one or many are given."""
    if isinstance(images, str | Path) or hasattr(images, "convert"):
        return [images]
    if isinstance(images, np.ndarray):
        return list(images) if images.ndim == 4 else [images]
    try:
        return list(images)
    except TypeError as error:
        raise UserError(
            f"a {type(images).__name__} is no image; give paths, pictures of Pillow, or arrays"
        ) from error
