"""Records with several images: how they are made of files, and what is said of those that lack."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlff_cli.config.modalities import PLAIN, check_modalities
from mlff_cli.data.files import FileDataset
from mlff_cli.errors import UserError
from mlff_cli.tasks.modalities import MultimodalImage, missing_of
from mlff_cli.tasks.record import ImageSource, Record

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class MultimodalDataset(FileDataset):
    """What datasets of files share whose records may have several images.

    Attributes:
        modalities: Names of the images of each record; empty: it has one.
        modality_dropout: How often one is left out in training; not used here.
    """

    modalities: list[str] = field(default_factory=list)
    modality_dropout: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_modalities(self.modalities)

    def records(self) -> list[Record]:
        """Return the records whose files can be read, and warn where images are missing."""
        kept = super().records()
        tell_missing(kept, self.modalities)
        return kept


def joined(images: Mapping[str, ImageSource], modalities: Sequence[str]) -> ImageSource:
    """Return the images of a part, one at least, as one; of a single modality it is that image."""
    if len(modalities) == 1:
        return images[modalities[0]]
    return MultimodalImage(tuple((name, images[name]) for name in modalities if name in images))


def by_part(paths: Iterable[Path], modalities: Sequence[str]) -> dict[Path, dict[str, Path]]:
    """Return the files of each part by modality: `x.png` and `x_thermal.png` are one part, `x`.

    Raises:
        UserError: Two files of a part are of one modality.
    """
    parts: dict[Path, dict[str, Path]] = defaultdict(dict)
    for path in paths:
        name = _modality(path, modalities)
        stem = path.stem if name == PLAIN else path.stem.removesuffix(f"_{name}")
        own = parts[path.parent / stem]
        if name in own:
            raise UserError(
                f"{path}: {own[name].name} is the image {name} of the same part; keep one of them"
            )
        own[name] = path
    return dict(parts)


def _modality(path: Path, modalities: Sequence[str]) -> str:
    named = [name for name in modalities if path.stem.endswith(f"_{name}") and name != PLAIN]
    return max(named, key=len, default=PLAIN)


def tell_missing(records: Sequence[Record], modalities: Sequence[str]) -> None:
    """Warn where records lack an image of some modality.

    Raises:
        UserError: No record has an image of a modality.
    """
    if len(modalities) < 2:
        return
    counts = Counter(name for r in records for name in missing_of(r.image, modalities))
    for name in modalities:
        if counts[name] == len(records):
            raise UserError(f"data.modalities: no record has an image '{name}'")
        if counts[name]:
            log.warning("%d of %d records lack the image %s", counts[name], len(records), name)
