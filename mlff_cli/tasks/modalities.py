"""Several images of one part as one: visual and thermal, or one exposure after another."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlff_cli.tasks.record import ImageSource

SEPARATOR = ":"
"""Stands between a modality and a level of the backbone in the name of such a level."""


@dataclass(frozen=True, slots=True)
class MultimodalImage:
    """An image source that holds several: what a record has for its image.

    Attributes:
        parts: Modality and image of each that is there, in the order of `data.modalities`.
    """

    parts: tuple[tuple[str, ImageSource], ...]

    def identity(self) -> str:
        """Return a hash (64 hex digits) of what all parts hold."""
        return self.identity_of([image.identity() for _, image in self.parts])

    def identity_of(self, contents: Sequence[str]) -> str:
        """Return the identity, given that of each part."""
        pairs = zip(self.parts, contents, strict=True)
        lines = [f"{name}={content}" for (name, _), content in pairs]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def load(self) -> NDArray[np.uint8]:
        """Return the parts side by side, for people to look at; shorter ones end in black."""
        parts = [image.load() for _, image in self.parts]
        height = max(len(part) for part in parts)
        filled = [np.pad(part, ((0, height - len(part)), (0, 0), (0, 0))) for part in parts]
        return np.concatenate(filled, axis=1)


def parts_of(image: ImageSource) -> tuple[ImageSource, ...]:
    """Return the images that an image consists of: itself, or several."""
    if isinstance(image, MultimodalImage):
        return tuple(part for _, part in image.parts)
    return (image,)


def of_modality(image: ImageSource, modality: str) -> ImageSource | None:
    """Return the part of that modality; None where it is missing."""
    return dict(image.parts).get(modality) if isinstance(image, MultimodalImage) else None


def is_whole(image: ImageSource, modalities: Sequence[str]) -> bool:
    """Return whether an image lacks none of several modalities; one alone is never missing."""
    return len(modalities) < 2 or not missing_of(image, modalities)


def missing_of(image: ImageSource, modalities: Sequence[str]) -> list[str]:
    """Return the modalities that an image lacks."""
    return [name for name in modalities if of_modality(image, name) is None]
