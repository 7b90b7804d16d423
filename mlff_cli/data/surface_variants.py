"""Embedded images of as many products as asked for: variants of the three drawn surfaces."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlff_cli.data.base import Dataset
from mlff_cli.data.drawing.camera import Camera
from mlff_cli.data.drawing.finish import finish
from mlff_cli.data.drawn import check_counts, check_size, random_of
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.data.surfaces import PRODUCTS
from mlff_cli.errors import UserError
from mlff_cli.images.variations import VARIATIONS, check_variations
from mlff_cli.tasks.record import Record

DRAWING_VERSION = 1
"""Raised whenever the same parameters give other pixels, so that stored features are not reused."""

MOST_CLASSES = min(len(drawing.CLASSES) for drawing in PRODUCTS.values())

_OVERSAMPLING = 2


_random = partial(random_of, "surface_variants")


def draw(
    generator_seed: int, number: int, label: str, index: int, image_size: int
) -> NDArray[np.uint8]:
    """Return the picture (image_size, image_size, 3), a function of the arguments alone."""
    look = _random(generator_seed, number)
    rng = _random(generator_seed, number, label, index, image_size)
    camera = Camera.random(rng)
    drawing = PRODUCTS[surface_of(number)]
    part = drawing.surface(rng, label, image_size * _OVERSAMPLING, look)
    finish(part, rng, look)
    return camera.expose(part.lit(camera.azimuth), image_size, rng)


def surface_of(number: int) -> str:
    """Return which of the surfaces a product is a variant of; products count from 1."""
    return list(PRODUCTS)[(number - 1) % len(PRODUCTS)]


class SurfaceVariants(Dataset):
    """Products that each have a colour, texture and print of their own.

    They are brushed metal, woven fabric and glazed ceramic in turn, product_001 and on. What the
    parts of one have in common is drawn from its number, so that more products leave the first
    ones as they are.

    Args:
        image_size: Side of the square images, in pixels.
        images_per_class: Images of each class of each product.
        products: How many there are.
        classes: Of each product, from the first of its surface: good, then kinds of defect.
        generator_seed: Another seed draws other products.
        variations: What variations of an image may do; not used here.
        good: The class of good parts; not used here.
    """

    def __init__(
        self,
        *,
        image_size: int = 64,
        images_per_class: int = 20,
        products: int = 200,
        classes: int = 2,
        generator_seed: int = 0,
        variations: Sequence[str] = VARIATIONS,
        good: str = "good",
    ) -> None:
        check_size(image_size)
        if not 2 <= classes <= MOST_CLASSES:
            raise UserError(f"data.classes={classes}: expected 2 to {MOST_CLASSES}")
        check_counts(images_per_class=images_per_class, products=products)
        check_variations(variations)
        self.image_size = image_size
        self.images_per_class = images_per_class
        self.products = products
        self.classes = classes
        self.generator_seed = generator_seed

    def records(self) -> list[Record]:
        """Return the records, product by product and class by class."""
        return [
            self._record(number, label, index)
            for number in range(1, self.products + 1)
            for label in PRODUCTS[surface_of(number)].CLASSES[: self.classes]
            for index in range(self.images_per_class)
        ]

    def _record(self, number: int, label: str, index: int) -> Record:
        parameters = (
            ("generator_seed", self.generator_seed),
            ("number", number),
            ("label", label),
            ("index", index),
            ("image_size", self.image_size),
        )
        product = f"product_{number:03d}"
        return Record(
            name=f"{product}/{label}/{index:04d}",
            image=GeneratedImage("surface_variants", parameters),
            labels=(label,),
            product=product,
        )
