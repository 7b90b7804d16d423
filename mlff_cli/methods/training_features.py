"""What a method on a frozen backbone trains on in each epoch."""

import logging
from collections.abc import Callable, Sequence

from mlff_cli.features.columns import Columns
from mlff_cli.features.pooling import LevelInput
from mlff_cli.images.variations import random_variation
from mlff_cli.methods.base import Context
from mlff_cli.tasks.record import ImageSource

log = logging.getLogger(__name__)

RESIDENT_BYTES = 2 << 30
"""Features up to this size lie on the device as a whole; larger ones are read batch by batch.

A constant that a machine of 8 GB can spare, and no share of the memory that is free: a run needs as
much, and takes as long, whatever else the machine does. Of `fusion=local` on EfficientNet-Lite0
12,000 images of 128 pixels fit, or 4,000 of 224.
"""


class TrainingFeatures:
    """The features of some images by epoch.

    Of `context.variations` stored variations each epoch takes one. With 0 of them every epoch
    draws new ones, which cannot be stored: they go through the backbone and are held in memory.
    `share` is how much of the room on the device is theirs.
    """

    def __init__(
        self,
        context: Context,
        images: Sequence[ImageSource],
        inputs: Sequence[LevelInput],
        seed_of: Callable[[int], int],
        *,
        share: float = 1.0,
    ) -> None:
        self._context = context
        self._images = images
        self._inputs = inputs
        self._seed_of = seed_of
        self._limit = int(share * RESIDENT_BYTES)
        count = max(1, context.variations)
        self._stored = [
            self._placed(context.features.read(images, inputs, variation), self._limit // count)
            for variation in range(count)
        ]
        self._drawn: tuple[int, Columns] | None = None
        if not context.variations:
            log.info(
                "features.variations=0: variations are drawn anew and cannot be stored; the "
                "backbone runs in every epoch"
            )

    @property
    def stored(self) -> Sequence[Columns]:
        """The features of every stored variation, the plain one first."""
        return self._stored

    @property
    def plain(self) -> Columns:
        """The features of the images as they are."""
        return self._stored[0]

    def __call__(self, epoch: int) -> Columns:
        """Return what an epoch (from 1) trains on."""
        if self._context.variations:
            return self._stored[epoch % len(self._stored)]
        if self._drawn is None or self._drawn[0] != epoch:
            self._drawn = None  # two epochs at once would take twice the memory
            self._drawn = (epoch, self._draw(self._seed_of(epoch)))
        return self._drawn[1]

    def _draw(self, seed: int) -> Columns:
        vary = random_variation(self._context.kinds)
        columns = self._context.features.live(self._images, self._inputs, vary, seed)
        return self._placed(columns, self._limit)

    def _placed(self, columns: Columns, limit: int) -> Columns:
        return columns.resident(self._context.device.device, limit)
