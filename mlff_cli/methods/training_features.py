"""What a method on a frozen backbone trains on in each epoch."""

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mlff_cli.features.pooling import LevelInput
from mlff_cli.images.augmentation import Augmentation
from mlff_cli.methods.base import Context
from mlff_cli.tasks.record import Record

log = logging.getLogger(__name__)


class FeatureTable:
    """All that a fusion layer reads of some images, as one tensor (N, W) on the device."""

    def __init__(self, columns: Sequence[Tensor], device: torch.device) -> None:
        """Lay columns (N, C_l, ...), one for each input, side by side."""
        self.rows = torch.cat([column.flatten(1) for column in columns], dim=1).to(device)
        self.shapes = [column.shape[1:] for column in columns]
        self.widths = [shape.numel() for shape in self.shapes]

    def __getitem__(self, positions: Tensor | slice) -> list[Tensor]:
        """Return the inputs (B, C_l, ...) of the images at some positions."""
        parts = torch.split(self.rows[positions], self.widths, dim=1)
        return [
            torch.unflatten(part, 1, shape) if len(shape) > 1 else part
            for part, shape in zip(parts, self.shapes, strict=True)
        ]


class TrainingFeatures:
    """The features of some images by epoch.

    Of `context.views` stored variations each epoch takes one. With 0 of them every epoch draws
    new ones, which cannot be stored and go through the backbone.
    """

    def __init__(
        self,
        context: Context,
        records: Sequence[Record],
        inputs: Sequence[LevelInput],
        seed_of: Callable[[int], int],
    ) -> None:
        self.context = context
        self.records = records
        self.inputs = inputs
        self.seed_of = seed_of
        self.stored = [
            self._table(context.features.read(records, inputs, view))
            for view in range(max(1, context.views))
        ]
        self._augmentation = None if context.views else Augmentation(context.augmentation)
        self._drawn: tuple[int, FeatureTable] | None = None
        if self._augmentation is not None:
            log.info(
                "features.views=0: variations are drawn anew and cannot be stored; the backbone "
                "runs in every epoch"
            )

    def _table(self, columns: Sequence[Tensor]) -> FeatureTable:
        return FeatureTable(columns, self.context.device.device)

    @property
    def plain(self) -> FeatureTable:
        """The features of the images as they are."""
        return self.stored[0]

    def of(self, epoch: int) -> FeatureTable:
        """Return what an epoch (from 1) trains on."""
        if self._augmentation is None:
            return self.stored[epoch % len(self.stored)]
        if self._drawn is None or self._drawn[0] != epoch:
            columns = self.context.features.live(
                self.records, self.inputs, self._augmentation, self.seed_of(epoch)
            )
            self._drawn = (epoch, self._table(columns))
        return self._drawn[1]
