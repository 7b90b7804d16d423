"""Embedded inspection images of three products, drawn from a seed: no download, no files."""

from collections.abc import Sequence
from types import ModuleType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlff_cli.data.base import Dataset
from mlff_cli.data.drawing import brushed_metal, glazed_ceramic, woven_fabric
from mlff_cli.data.drawing.camera import Camera
from mlff_cli.data.drawn import check_counts, check_size, random_of
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.errors import UserError, nearest
from mlff_cli.images.variations import VARIATIONS, check_variations
from mlff_cli.tasks.record import Record

DRAWING_VERSION = 3
"""Raised whenever the same parameters give other pixels, so that stored features are not reused."""

PRODUCTS: dict[str, ModuleType] = {
    "brushed_metal": brushed_metal,
    "woven_fabric": woven_fabric,
    "glazed_ceramic": glazed_ceramic,
}

_OVERSAMPLING = 2


def draw(
    generator_seed: int, product: str, label: str, index: int, image_size: int
) -> NDArray[np.uint8]:
    """Return the picture (image_size, image_size, 3), a function of the arguments alone."""
    rng = random_of("surfaces", generator_seed, product, label, index, image_size)
    camera = Camera.random(rng)
    surface = PRODUCTS[product].surface(rng, label, image_size * _OVERSAMPLING)
    return camera.expose(surface.lit(camera.azimuth), image_size, rng)


class Surfaces(Dataset):
    """Good and defective parts of every product, as many of each class as asked for.

    Args:
        image_size: Side of the square images, in pixels.
        images_per_class: Images of each class of each product.
        labelling: "defects" names the kind of defect; "good_defect" has the two classes good and
            defect, shared by all products, and deals the kinds of defect out in turn.
        generator_seed: Another seed draws other parts.
        variations: What variations of an image may do; not used here.
        batches: Production batches that the images of each class are dealt out to, in turn.
        good: The class of good parts; not used here.
    """

    def __init__(
        self,
        *,
        image_size: int = 128,
        images_per_class: int = 80,
        labelling: Literal["defects", "good_defect"] = "defects",
        generator_seed: int = 0,
        variations: Sequence[str] = VARIATIONS,
        batches: int = 1,
        good: str = "good",
    ) -> None:
        check_size(image_size)
        check_counts(images_per_class=images_per_class)
        if labelling not in ("defects", "good_defect"):
            known = nearest(labelling, ["defects", "good_defect"])
            raise UserError(f"data.labelling: '{labelling}' is unknown; {known}")
        if not 1 <= batches <= images_per_class:
            raise UserError(
                f"data.batches={batches}: expected 1 to data.images_per_class={images_per_class}"
            )
        check_variations(variations)
        self.image_size = image_size
        self.images_per_class = images_per_class
        self.labelling = labelling
        self.generator_seed = generator_seed
        self.batches = batches

    def records(self) -> list[Record]:
        """Return the records, product by product and class by class."""
        return [
            self._record(product, kind, index, label)
            for product, drawing in PRODUCTS.items()
            for kind, index, label in self._parts(drawing.CLASSES)
        ]

    def _parts(self, classes: tuple[str, ...]) -> list[tuple[str, int, str]]:
        """Return what is drawn, its number among its kind, and the label it gets."""
        count = range(self.images_per_class)
        if self.labelling == "defects":
            return [(kind, index, kind) for kind in classes for index in count]
        good, *defects = classes
        turns = [(index % len(defects), index // len(defects)) for index in count]
        return [(good, index, "good") for index in count] + [
            (defects[turn], number, "defect") for turn, number in turns
        ]

    def _record(self, product: str, kind: str, index: int, label: str) -> Record:
        parameters = (
            ("generator_seed", self.generator_seed),
            ("product", product),
            ("label", kind),
            ("index", index),
            ("image_size", self.image_size),
        )
        return Record(
            name=f"{product}/{kind}/{index:04d}",
            image=GeneratedImage("surfaces", parameters),
            labels=(label,),
            product=product,
            batch=self._batch(index),
        )

    def _batch(self, index: int) -> str:
        if self.batches == 1:
            return ""
        return f"batch_{index % self.batches + 1:0{len(str(self.batches))}d}"
