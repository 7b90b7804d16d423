"""Drawn parts seen by a camera and a thermal camera; some defects show in one of them alone."""

from collections.abc import Sequence
from types import ModuleType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.base import Dataset
from mlff_cli.data.drawing import brushed_metal, glazed_ceramic, heat
from mlff_cli.data.drawing.camera import Camera
from mlff_cli.data.drawing.fields import Field
from mlff_cli.data.drawing.surface import Surface
from mlff_cli.data.drawn import check_counts, random_of
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.data.modalities import joined
from mlff_cli.errors import UserError
from mlff_cli.images.variations import VARIATIONS, check_variations
from mlff_cli.tasks.record import Record

DRAWING_VERSION = 1
"""Raised whenever the same parameters give other pixels, so that stored features are not reused."""

PRODUCTS: dict[str, ModuleType] = {"brushed_metal": brushed_metal, "glazed_ceramic": glazed_ceramic}

MODALITIES = ("visual", "thermal")

VISUAL_ONLY = {"brushed_metal": ("scratch", "stain"), "glazed_ceramic": ("crack", "pinhole")}
"""Defects of the surface that leave no trace of warmth."""

BOTH = ("inclusion",)
"""Defects that are seen either way."""

THERMAL_ONLY = {"void": heat.void, "delamination": heat.delamination}
"""Defects below the surface, on which a camera sees a good part."""

_OVERSAMPLING = 2


def draw(
    *, generator_seed: int, product: str, label: str, index: int, image_size: int, modality: str
) -> NDArray[np.uint8]:
    """Return the picture (image_size, image_size, 3), a function of the arguments alone."""
    key = f"surfaces_thermal/{generator_seed}/{product}/{label}/{index}/{image_size}"
    size = image_size * _OVERSAMPLING
    seen = "good" if label in THERMAL_ONLY else label
    if modality == "visual":
        surface, rng = _surface(key, product, seen, size)
        camera = Camera.random(rng)
        return camera.expose(surface.lit(camera.azimuth), image_size, rng)
    rng = random_of(f"{key}/thermal")
    field = heat.warmth(rng, size)
    if label in BOTH:
        heat.traced(field, _change(key, product, label, size), rng)
    if label in THERMAL_ONLY:
        THERMAL_ONLY[label](field, rng)
    return heat.thermogram(field, image_size, rng)


def _surface(key: str, product: str, label: str, size: int) -> tuple[Surface, Generator]:
    rng = random_of(key)
    return PRODUCTS[product].surface(rng, label, size), rng


def _change(key: str, product: str, label: str, size: int) -> Field:
    """Return how much the defect changed the surface (size, size): it is drawn onto a good one."""
    good, defective = (_surface(key, product, kind, size)[0] for kind in ("good", label))
    change: Field = np.abs(defective.albedo - good.albedo).mean(axis=0)
    return change / np.float32(max(float(change.max()), 1e-6))


class SurfacesThermal(Dataset):
    """Good and defective parts of two products, each with a visual and a thermal image.

    Two kinds of defect show in the visual image alone, two in the thermal one alone, one in both.

    Args:
        image_size: Side of the square images, in pixels.
        images_per_class: Parts of each class of each product.
        modalities: The images of each part; a single one takes that alone.
        generator_seed: Another seed draws other parts.
        variations: What variations of an image may do; not used here.
        modality_dropout: How often an image is left out in training; not used here.
        good: The class of good parts; not used here.
    """

    def __init__(
        self,
        *,
        image_size: int = 128,
        images_per_class: int = 40,
        modalities: Sequence[str] = MODALITIES,
        generator_seed: int = 0,
        variations: Sequence[str] = VARIATIONS,
        modality_dropout: float = 0.0,
        good: str = "good",
    ) -> None:
        if not isinstance(image_size, int) or not 32 <= image_size <= 1024:
            raise UserError(f"data.image_size={image_size}: expected one number from 32 to 1024")
        check_counts(images_per_class=images_per_class)
        if not modalities or len(set(modalities)) < len(modalities):
            raise UserError(f"data.modalities={list(modalities)}: give visual, thermal, or both")
        check_variations(variations)
        self.image_size = image_size
        self.images_per_class = images_per_class
        self.modalities = tuple(modalities)
        self.generator_seed = generator_seed

    def records(self) -> list[Record]:
        """Return the records, product by product and class by class."""
        return [
            self._record(product, label, index)
            for product in PRODUCTS
            for label in ("good", *VISUAL_ONLY[product], *BOTH, *THERMAL_ONLY)
            for index in range(self.images_per_class)
        ]

    def _record(self, product: str, label: str, index: int) -> Record:
        parameters = (
            ("generator_seed", self.generator_seed),
            ("product", product),
            ("label", label),
            ("index", index),
            ("image_size", self.image_size),
        )
        images = {
            name: GeneratedImage("surfaces_thermal", (*parameters, ("modality", name)))
            for name in self.modalities
        }
        return Record(
            name=f"{product}/{label}/{index:04d}",
            image=joined(images, self.modalities),
            labels=(label,),
            product=product,
        )
