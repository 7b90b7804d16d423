"""Embedded images of ground steel whose roughness is known, in five batches."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.base import Dataset
from mlff_cli.data.drawing.camera import Camera
from mlff_cli.data.drawing.ground_steel import SET_UPS, SetUp, surface
from mlff_cli.data.drawn import check_counts, check_size, random_of
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.images.variations import check_variations
from mlff_cli.tasks.record import Record

DRAWING_VERSION = 1
"""Raised whenever the same parameters give other pixels or another roughness."""

GRADES = {"N4": (0.1, 0.2), "N5": (0.2, 0.4), "N6": (0.4, 0.8), "N7": (0.8, 1.6)}
"""Roughness grades of ISO 1302: Ra in micrometres, above the first and up to the second."""

_OVERSAMPLING = 2


_random = partial(random_of, "roughness")


def roughness_of(generator_seed: int, batch: str, label: str, index: int) -> float:
    """Return Ra in micrometres of the surface of an image, at any size."""
    low, high = GRADES[label]
    return float(_random(generator_seed, batch, label, index, "Ra").uniform(low, high))


def draw(
    generator_seed: int, batch: str, label: str, index: int, image_size: int
) -> NDArray[np.uint8]:
    """Return the picture (image_size, image_size, 3), a function of the arguments alone."""
    rng = _random(generator_seed, batch, label, index, image_size)
    set_up = SET_UPS[batch]
    camera = _camera(rng, set_up)
    ra = roughness_of(generator_seed, batch, label, index)
    part = surface(rng, set_up, ra, image_size * _OVERSAMPLING)
    return camera.expose(part.lit(camera.azimuth), image_size, rng)


def _camera(rng: Generator, set_up: SetUp) -> Camera:
    """Return the camera as it is set up for a batch, with what drifts within one."""
    return Camera(
        azimuth=set_up.lamp + rng.normal(0, 0.06),
        falloff=rng.uniform(0.05, 0.35),
        vignetting=rng.uniform(0.05, 0.15),
        blur=set_up.blur * rng.uniform(0.9, 1.1),
        exposure=set_up.exposure * rng.uniform(0.95, 1.05),
        gamma=set_up.gamma,
        white=(1.0, 1.0, 1.0),
        noise=set_up.noise * rng.uniform(0.9, 1.1),
    )


class Roughness(Dataset):
    """Ground steel: batches batch_1 to batch_5, classes by grade, with Ra in micrometres.

    An image shows 5.12 mm; Ra is that of the drawn heights, across the direction of grinding.
    Batches differ in that direction, in lamp, lens and exposure, and in the width of the grooves.

    Args:
        image_size: Side of the square images, in pixels.
        images_per_class: Images of each grade of each batch.
        generator_seed: Another seed draws other parts.
        variations: What variations of an image may do; not used here. Other contrast looks like
            another roughness.
        good: Classes of good parts; not used here.
    """

    target_names = ("Ra_micrometres",)

    def __init__(
        self,
        *,
        image_size: int = 128,
        images_per_class: int = 24,
        generator_seed: int = 0,
        variations: Sequence[str] = ("flips", "shifts"),
        good: str = "good",
    ) -> None:
        check_size(image_size)
        check_counts(images_per_class=images_per_class)
        check_variations(variations)
        self.image_size = image_size
        self.images_per_class = images_per_class
        self.generator_seed = generator_seed

    def records(self) -> list[Record]:
        """Return the records, batch by batch and grade by grade."""
        return [
            self._record(batch, label, index)
            for batch in SET_UPS
            for label in GRADES
            for index in range(self.images_per_class)
        ]

    def _record(self, batch: str, label: str, index: int) -> Record:
        parameters = (
            ("generator_seed", self.generator_seed),
            ("batch", batch),
            ("label", label),
            ("index", index),
            ("image_size", self.image_size),
        )
        return Record(
            name=f"{batch}/{label}/{index:04d}",
            image=GeneratedImage("roughness", parameters),
            labels=(label,),
            targets=(roughness_of(self.generator_seed, batch, label, index),),
            product="ground_steel",
            batch=batch,
        )
