"""Any fusion layer over several images of a part, some of which may be missing."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.fusion.base import Average, FusionLayer
from mlff_cli.tasks.modalities import SEPARATOR


class ModalityFusion(FusionLayer):
    """Levels of all modalities go into one fusion layer; the mean stands for what is missing.

    Missing is what comes as NaN. The mean is that of each channel over the images that the layer
    took its constants from. In training each modality of each image is left out with probability
    `dropout`, but never all of them, so that the layer learns to do without (ModDrop, Neverova et
    al. 2015, arXiv 1501.00102).
    """

    stand_ins: Tensor

    def __init__(self, own: FusionLayer, levels: Sequence[LevelInfo], dropout: float) -> None:
        super().__init__()
        self.own = own
        self.inputs = own.inputs
        self.width = own.width
        self.dropout = dropout
        names = [item.level.partition(SEPARATOR)[0] for item in self.inputs]
        self._modalities = list(dict.fromkeys(names))
        self._modality_of = [self._modalities.index(name) for name in names]
        channels = {level.name: level.channels for level in levels}
        self._channels = [channels[item.level] for item in self.inputs]
        self.register_buffer("stand_ins", torch.zeros(sum(self._channels)))

    def take_constants(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Take the means of the images that are there, then the constants of the layer itself."""
        means = [Average() for _ in self.inputs]
        for inputs in batches:
            for mean, values in zip(means, inputs, strict=True):
                mean.add(values[_is_there(values)].cpu().double())
        # Of a modality that no image has, nothing is known.
        known = [
            mean.value if mean.count else torch.zeros(count, dtype=torch.float64)
            for mean, count in zip(means, self._channels, strict=True)
        ]
        self.stand_ins.copy_(torch.cat(known))
        self.own.fit(_Filled(self, batches))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse one tensor (B, C_l, ...) per input, rows of NaN for what is missing."""
        kept = self._drawn(self.there(inputs)) if self.training else self.there(inputs)
        descriptor: Tensor = self.own(self.filled(inputs, kept))
        return descriptor

    def level_weights(self) -> dict[str, float]:
        """Return the share of each level of each modality, where the layer learns any."""
        return self.own.level_weights()

    def filled(self, inputs: Sequence[Tensor], kept: Tensor) -> list[Tensor]:
        """Return the inputs with means in place of all but the modalities `kept` (B, M)."""
        means = torch.split(self.stand_ins, self._channels)
        return [
            torch.where(_as_rows(kept[:, modality], part), part, _by_channel(mean, part))
            for part, mean, modality in zip(inputs, means, self._modality_of, strict=True)
        ]

    def there(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return which modalities (B, M) of each image are there."""
        first = [self._modality_of.index(number) for number in range(len(self._modalities))]
        return torch.stack([_is_there(inputs[place]) for place in first], dim=1)

    def _drawn(self, there: Tensor) -> Tensor:
        """Return which modalities (B, M) are read in training, of those that are there."""
        drawn = there & (torch.rand(there.shape, device=there.device) >= self.dropout)
        return torch.where(drawn.any(dim=1, keepdim=True), drawn, there)


class _Filled:
    """Batches without gaps; gone through again and again as those they are made of."""

    def __init__(self, layer: ModalityFusion, batches: Iterable[Sequence[Tensor]]) -> None:
        self._layer = layer
        self._batches = batches

    def __iter__(self) -> Iterator[list[Tensor]]:
        for inputs in self._batches:
            yield self._layer.filled(inputs, self._layer.there(inputs))


def _is_there(values: Tensor) -> Tensor:
    """Return which rows (B,) of an input (B, ...) are no gaps: a gap is NaN as a whole."""
    return ~values.flatten(1)[:, 0].isnan()


def _as_rows(mask: Tensor, like: Tensor) -> Tensor:
    return mask.view(-1, *(1,) * (like.ndim - 1))


def _by_channel(mean: Tensor, like: Tensor) -> Tensor:
    return mean.view(-1, *(1,) * (like.ndim - 2))
