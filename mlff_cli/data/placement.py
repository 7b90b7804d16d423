"""Embedded images of one component on its board, well placed or not, in five batches."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.base import Dataset
from mlff_cli.data.drawing.board import board, residue
from mlff_cli.data.drawing.camera import Camera
from mlff_cli.data.drawing.component import Pose, mount
from mlff_cli.data.drawing.lots import LOTS, Lot
from mlff_cli.data.drawing.marks import dust, lint
from mlff_cli.data.drawing.shapes import Frame
from mlff_cli.data.drawn import check_counts, check_size, random_of
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.errors import UserError, nearest
from mlff_cli.images.variations import check_variations
from mlff_cli.tasks.record import Record

DRAWING_VERSION = 2
"""Raised whenever the same parameters give other pixels or poses."""

CLASSES = ("aligned", "shifted", "rotated", "tombstoned", "missing")
ON_ITS_LANDS = CLASSES[:3]
"""The classes whose components lie flat, so that their offsets are defined."""

ALIGNED_OFFSET, SHIFTED_OFFSET = 0.03, (0.06, 0.13)
"""Shares of the image side: largest offset of what is not shifted, range of what is."""

ALIGNED_ANGLE, ROTATED_ANGLE = 4.0, (8.0, 30.0)
"""Degrees: largest angle of what is not rotated, range of what is."""

_OVERSAMPLING = 2


_random = partial(random_of, "placement")


def pose_of(generator_seed: int, batch: str, label: str, index: int) -> Pose:
    """Return how the component of an image sits, within the tolerances of its class."""
    rng = _random(generator_seed, batch, label, index, "pose")
    near, wide = ALIGNED_OFFSET * np.sqrt(rng.random()), rng.uniform(*SHIFTED_OFFSET)
    distance = wide if label == "shifted" else near
    towards = rng.uniform(0, 2 * np.pi)
    angle = rng.uniform(-ALIGNED_ANGLE, ALIGNED_ANGLE)
    if label == "rotated":
        angle = rng.uniform(*ROTATED_ANGLE) * rng.choice([-1, 1])
    tilt = rng.uniform(55, 86) if label == "tombstoned" else 0.0
    return Pose(
        dx=float(distance * np.cos(towards)),
        dy=float(distance * np.sin(towards)),
        angle=float(angle),
        tilt=float(tilt),
        end=int(rng.choice([-1, 1])),
    )


def draw(
    generator_seed: int, batch: str, label: str, index: int, image_size: int
) -> NDArray[np.uint8]:
    """Return the picture (image_size, image_size, 3), a function of the arguments alone."""
    rng = _random(generator_seed, batch, label, index, image_size)
    lot = LOTS[batch]
    size = image_size * _OVERSAMPLING
    camera = _camera(rng, lot)
    scale = lot.scale * rng.uniform(0.97, 1.03)
    # The board lies in the conveyor as it comes: offsets count from its lands.
    site = Frame.at(size, rng.uniform(-3, 3, 2), np.radians(rng.uniform(-1.5, 1.5)), (scale, scale))
    neighbours = _neighbours(rng, site)
    surface = board(rng, lot, site, neighbours)
    if rng.random() < 0.4:
        residue(surface, rng, site)
    for neighbour in neighbours:
        dx, dy, angle = rng.uniform(-1, 1, 3).tolist()
        well = Pose(0.015 * dx, 0.015 * dy, 2 * angle)
        mount(surface, rng, lot, neighbour, well, azimuth=camera.azimuth)
    if label != "missing":
        pose = pose_of(generator_seed, batch, label, index)
        mount(surface, rng, lot, site, pose, azimuth=camera.azimuth)
    dust(surface, rng, int(rng.integers(0, 12)), 0.4)
    if rng.random() < 0.15:
        lint(surface, rng, rng.uniform(4, 14), rng.uniform(0.2, 0.5))
    return camera.expose(surface.lit(camera.azimuth), image_size, rng)


def _neighbours(rng: Generator, site: Frame) -> list[Frame]:
    """Return the sites next to this one, which the image shows in part."""
    offsets = []
    if rng.random() < 0.3:
        offsets.append((rng.normal(0, 8), rng.choice([-1, 1]) * rng.uniform(50, 64)))
    if rng.random() < 0.3:
        offsets.append((rng.choice([-1, 1]) * rng.uniform(78, 92), rng.normal(0, 8)))
    return [
        Frame.at(site.size, site.points(np.array([offset]))[0], site.angle, site.stretch)
        for offset in offsets
    ]


def _camera(rng: Generator, lot: Lot) -> Camera:
    """Return the line's camera as it is set up for a batch, with what drifts within one."""
    warmth = rng.normal(0, 0.008)
    return Camera(
        azimuth=lot.lamp + rng.normal(0, 0.15),
        falloff=lot.falloff * rng.uniform(0.8, 1.2),
        vignetting=rng.uniform(0.05, 0.15),
        blur=lot.blur * rng.uniform(0.8, 1.2),
        exposure=lot.exposure * rng.uniform(0.95, 1.05),
        gamma=lot.gamma,
        white=(lot.white[0] * (1 + warmth), lot.white[1], lot.white[2] * (1 - warmth)),
        noise=lot.noise * rng.uniform(0.9, 1.1),
    )


class Placement(Dataset):
    """A chip resistor on its lands: batches batch_1 to batch_5, classes by tolerance.

    aligned: its centre at most 3 % of the image side from that of the lands, its angle at most
    4 degrees; shifted: 6 to 13 % off, at most 4 degrees; rotated: at most 3 % off, 8 to 30
    degrees; tombstoned: stands on one end; missing. The gaps between keep the labels honest.

    Args:
        image_size: Side of the square images, in pixels.
        images_per_class: Images of each class of each batch.
        labelling: "tolerance" has all five classes; "offsets" the images of aligned, shifted and
            rotated components with targets: how far the centre is off, right and down, in pixels
            of the image, and the angle in degrees, from right towards down.
        generator_seed: Another seed draws other components.
        good: The class of good parts; not used here.
        variations: What variations of an image may do; not used here. A flip or a shift changes
            what is to be seen.
    """

    def __init__(
        self,
        *,
        image_size: int = 128,
        images_per_class: int = 24,
        labelling: Literal["tolerance", "offsets"] = "tolerance",
        generator_seed: int = 0,
        variations: Sequence[str] = ("brightness",),
        good: str = "aligned",
    ) -> None:
        check_size(image_size)
        check_counts(images_per_class=images_per_class)
        if labelling not in ("tolerance", "offsets"):
            known = nearest(labelling, ["tolerance", "offsets"])
            raise UserError(f"data.labelling: '{labelling}' is unknown; {known}")
        check_variations(variations)
        self.image_size = image_size
        self.images_per_class = images_per_class
        self.labelling = labelling
        self.generator_seed = generator_seed
        if labelling == "offsets":
            self.target_names = ("dx_pixels", "dy_pixels", "angle_degrees")

    def records(self) -> list[Record]:
        """Return the records, batch by batch and class by class."""
        labels = ON_ITS_LANDS if self.labelling == "offsets" else CLASSES
        return [
            self._record(batch, label, index)
            for batch in LOTS
            for label in labels
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
        targets: tuple[float, ...] = ()
        if self.labelling == "offsets":
            pose = pose_of(self.generator_seed, batch, label, index)
            targets = (pose.dx * self.image_size, pose.dy * self.image_size, pose.angle)
        return Record(
            name=f"{batch}/{label}/{index:04d}",
            image=GeneratedImage("placement", parameters),
            labels=(label,),
            targets=targets,
            product="component",
            batch=batch,
        )
