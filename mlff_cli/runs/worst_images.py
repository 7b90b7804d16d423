"""The worst images of a run as thumbnails, with where the network looked."""

import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlff_cli.images.glow import glow_of
from mlff_cli.methods.base import Method
from mlff_cli.results.page.gallery import WorstImage
from mlff_cli.results.predictions import Predictions
from mlff_cli.results.wrongness import Worst, pointed_at, worst
from mlff_cli.tasks.record import ImageSource

COUNT = 24
SIDE = 160
"""Longest side of a thumbnail in pixels."""


def worst_images(
    method: Method,
    parts: Sequence[Predictions],
    sources: Mapping[str, ImageSource],
    heads: Mapping[str, str],
) -> list[WorstImage]:
    """Return the worst images of final scores, the worst one first.

    Args:
        method: As it is at the end.
        parts: Final predictions of its experiences.
        sources: Where pixels come from, by the name of the image.
        heads: The head of each experience, by name.
    """
    found = []
    for image, glow in _with_maps(method, parts, sources, heads):
        part, row = parts[image.part], image.row
        found.append(
            WorstImage(
                thumbnail=_thumbnail(sources[part.images[row]].load()),
                where=b"" if glow is None else _encoded(glow_of(glow), "png"),
                image=part.images[row],
                experience=part.experience,
                truth=", ".join(part.truths[row]),
                prediction=", ".join(part.predicted[row]),
                explained=part.outputs[pointed_at(part, row)],
            )
        )
    return found


def _with_maps(
    method: Method,
    parts: Sequence[Predictions],
    sources: Mapping[str, ImageSource],
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
        pixels = [sources[part.images[image.row]] for image in own]
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
