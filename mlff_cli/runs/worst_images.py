"""The worst images of a run as thumbnails, with where the network looked."""

import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlff_cli.images.glow import glow_of
from mlff_cli.methods.base import Method
from mlff_cli.results.labels import plain
from mlff_cli.results.page.gallery import WorstImage
from mlff_cli.results.predictions import Predictions
from mlff_cli.results.wrongness import Worst, pointed_at, worst
from mlff_cli.tasks.absent import is_absent
from mlff_cli.tasks.experience import SPLITS, Experience
from mlff_cli.tasks.record import ImageSource

COUNT = 24
SIDE = 160
"""Longest side of a thumbnail in pixels."""


def worst_images(
    method: Method, parts: Sequence[Predictions], experiences: Sequence[Experience]
) -> list[WorstImage]:
    """Return the worst images of final scores, the worst one first.

    Experiences with images that are not at hand are left out.

    Args:
        method: As it is at the end.
        parts: Final predictions of experiences.
        experiences: These, and perhaps others.
    """
    heads = {plain(e.name): e.head for e in experiences}
    sources = _sources(parts, experiences)
    parts = [
        part for part in parts if all((part.experience, name) in sources for name in part.images)
    ]
    found = []
    for image, glow in _with_maps(method, parts, sources, heads):
        part, row = parts[image.part], image.row
        found.append(
            WorstImage(
                thumbnail=_thumbnail(sources[part.experience, part.images[row]].load()),
                where=b"" if glow is None else _encoded(glow_of(glow), "png"),
                image=part.images[row],
                experience=part.experience,
                truth=", ".join(part.truths[row]),
                prediction=", ".join(part.predicted[row]),
                explained=part.outputs[pointed_at(part, row)],
            )
        )
    return found


def _sources(
    parts: Sequence[Predictions], experiences: Sequence[Experience]
) -> dict[tuple[str, str], ImageSource]:
    """Return where pixels come from, by experience and name: names recur from run to run."""
    splits = {part.experience: part.split for part in parts}
    return {
        (plain(e.name), record.name): record.image
        for e in experiences
        for split in SPLITS
        if splits.get(plain(e.name)) == split
        for record in e.split(split)
        if not is_absent(record.image)
    }


def _with_maps(
    method: Method,
    parts: Sequence[Predictions],
    sources: Mapping[tuple[str, str], ImageSource],
    heads: Mapping[str, str],
) -> Iterable[tuple[Worst, NDArray[np.float32] | None]]:
    """Return the worst images, and for each how much its places speak for what is explained."""
    images = worst(parts, COUNT)
    maps: dict[Worst, NDArray[np.float32]] = {}
    for place, part in enumerate(parts):
        own = [image for image in images if image.part == place]
        if not own or not method.has_places:
            continue
        # A head that grew has its outputs in an order of its own.
        outputs = method.heads[heads[part.experience]]
        wanted = [outputs.index(part.outputs[pointed_at(part, image.row)]) for image in own]
        pixels = [sources[part.experience, part.images[image.row]] for image in own]
        found = method.where(heads[part.experience], pixels, wanted)
        maps |= dict(zip(own, found, strict=True))
    return [(image, maps.get(image)) for image in images]


def _thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    return _encoded(image, "jpeg", quality=80)


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()
