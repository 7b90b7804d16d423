"""Features of parts with several images: every image goes through the same backbone."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.errors import UserError
from mlff_cli.features.columns import Columns
from mlff_cli.features.features import Features, Store
from mlff_cli.features.pooling import LevelInput
from mlff_cli.images.variations import VARIATIONS
from mlff_cli.system.device import Device
from mlff_cli.tasks.modalities import SEPARATOR, missing_of, of_modality, parts_of
from mlff_cli.tasks.record import ImageSource


class ModalityFeatures(Features):
    """What fusion layers read has a level of each modality for every level of the backbone.

    It is named by both, `thermal:layer2`. In the store each image lies by itself, as if it were the
    only one. Where an image is missing its row is NaN.

    Attributes:
        modalities: Their names, in the order in which levels of one depth stand.
    """

    def __init__(
        self,
        recipe: BackboneRecipe,
        store: Store,
        device: Device,
        folder: Path | None = None,
        kinds: Sequence[str] = VARIATIONS,
        *,
        modalities: Sequence[str],
        known: Mapping[ImageSource, str] | None = None,
        graphs: Path | None = None,
    ) -> None:
        super().__init__(recipe, store, device, folder, kinds, known=known, graphs=graphs)
        self.modalities = tuple(modalities)

    @property
    def levels(self) -> tuple[LevelInfo, ...]:
        """Those of all modalities, depth by depth."""
        return tuple(
            LevelInfo(f"{modality}{SEPARATOR}{level.name}", level.channels, level.stride)
            for level in self.facts.levels
            for modality in self.modalities
        )

    def ensure(
        self, images: Sequence[ImageSource], inputs: Sequence[LevelInput], variation: int = 0
    ) -> None:
        """Compute what is not stored yet of any part, in one pass over those images."""
        parts = [part for image in images for part in parts_of(image)]
        super().ensure(parts, _of_backbone(inputs), variation)

    def read(
        self, images: Sequence[ImageSource], inputs: Sequence[LevelInput], variation: int = 0
    ) -> Columns:
        """Return one column per input; what is not stored is computed first, nothing is loaded."""
        self.ensure(images, inputs, variation)
        read = super().read
        return self._joined(images, inputs, lambda parts, own: read(parts, own, variation))

    def live(
        self,
        images: Sequence[ImageSource],
        inputs: Sequence[LevelInput],
        vary: Callable[[Tensor], Tensor],
        seed: int,
    ) -> Columns:
        """Return what `read` would of images that `vary` changes, each of them by itself."""
        live = super().live
        return self._joined(images, inputs, lambda parts, own: live(parts, own, vary, seed))

    def _joined(
        self,
        images: Sequence[ImageSource],
        inputs: Sequence[LevelInput],
        read: Callable[[Sequence[ImageSource], Sequence[LevelInput]], Columns],
    ) -> Columns:
        """Return the columns of all modalities, each read for the images that have it."""
        if any(len(missing_of(image, self.modalities)) == len(self.modalities) for image in images):
            named = ", ".join(self.modalities)
            raise UserError(f"data.modalities: an image has none of {named}; give one of them")
        own = _of_backbone(inputs)
        groups: dict[str, _Group] = {}
        for name in self.modalities:
            parts = [of_modality(image, name) for image in images]
            there = [part for part in parts if part is not None]
            places = torch.tensor([part is not None for part in parts]).long().cumsum(0) - 1
            places[[part is None for part in parts]] = MISSING
            groups[name] = _Group(read(there, own) if there else None, places)
        wanted = [(_modality(item), own.index(_plain(item))) for item in inputs]
        return Columns(_Joined(groups, wanted))


MISSING = -1
"""The place of a row that is not there."""


class _Group:
    """The columns of one modality, for the images that have it.

    Attributes:
        columns: None where no image has it.
        places: Of each image among their rows, or `MISSING` (N,).
    """

    def __init__(self, columns: Columns | None, places: Tensor) -> None:
        self.columns = columns
        self.places = places

    def take(self, positions: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
        """Return the rows (B, ...) of each column, NaN where the image is missing."""
        rows = self.places[positions.cpu()]
        there = rows != MISSING
        if self.columns is not None and bool(there.all()):
            return self.columns[rows]
        filled = [torch.full((len(rows), *shape), torch.nan) for shape in shapes]
        if self.columns is not None and bool(there.any()):
            for column, found in zip(filled, self.columns[rows[there]], strict=True):
                column[there] = found
        return filled


class _Joined:
    """Columns of several modalities beside each other, as `Columns` read them."""

    def __init__(self, groups: dict[str, _Group], wanted: Sequence[tuple[str, int]]) -> None:
        self._groups = groups
        self._wanted = wanted  # modality, and place among the columns that all modalities have
        # All modalities go through the same backbone at the same size: their maps are alike.
        there = [group.columns for group in groups.values() if group.columns is not None]
        self._each = there[0].shapes
        self.shapes = [self._each[place] for _, place in wanted]

    def __len__(self) -> int:
        return len(next(iter(self._groups.values())).places)

    def take(self, positions: Tensor) -> list[Tensor]:
        """Return of each column the rows (B, ...) at positions (B,)."""
        taken = {name: group.take(positions, self._each) for name, group in self._groups.items()}
        return [taken[name][place] for name, place in self._wanted]


def _modality(item: LevelInput) -> str:
    return item.level.partition(SEPARATOR)[0]


def _plain(item: LevelInput) -> LevelInput:
    """Return an input as the backbone knows it, for any modality; such a one stays as it is."""
    return LevelInput(item.level.rpartition(SEPARATOR)[2], item.pooling)


def _of_backbone(inputs: Sequence[LevelInput]) -> list[LevelInput]:
    return list(dict.fromkeys(map(_plain, inputs)))
