"""Magnetic tile surface defects, from a folder.

Y. Huang, C. Qiu, K. Yuan, "Surface defect saliency of magnetic tile" (2018/2020).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlff_cli.data.files import FileImage, one_of
from mlff_cli.data.modalities import MultimodalDataset, joined
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import Record

CLASSES = ("free", "blowhole", "break", "crack", "fray", "uneven")

_NAME = re.compile(r"exp([0-9]+)_num_([0-9]+)\.jpg", re.IGNORECASE)


@dataclass(kw_only=True)
class MagneticTile(MultimodalDataset):
    """Images `MT_<Class>/Imgs/exp<E>_num_<N>.jpg`; one product, batches exp0 to exp6.

    Attributes:
        root: The folder that holds `MT_Free` and the others, or one with `magnetic_tile` in it.
        labelling: `defects` for the six classes, `good_defect` for two.
        grouping: `exposure_run` keeps the exposures of one tile together: within a class, by
            number, each run of rising exposure. `image_leaks` lets each image stand for itself, as
            published splits do; the same tile is then both trained on and scored.
        exposures: Those that are kept, by number; empty keeps all.
        modalities: Exposures (exp1, ...) that are the images of one record: a tile.
    """

    good: str | list[str] = field(default_factory=lambda: ["good", "free"])
    labelling: str = "defects"
    grouping: str = "exposure_run"
    exposures: Sequence[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("data.labelling", self.labelling, ("defects", "good_defect"))
        one_of("data.grouping", self.grouping, ("exposure_run", "image_leaks"))
        if self.modalities and (self.exposures or self.grouping != "exposure_run"):
            raise UserError(
                "data.modalities: makes one record of all exposures of a tile; leave "
                "data.exposures and data.grouping away"
            )

    def listed(self) -> list[Record]:
        """Return the images class by class, by number; the PNG masks are left out."""
        root = self.folder("MT_Free, MT_Blowhole, ... of the magnetic tiles")
        home = root / "magnetic_tile" if (root / "magnetic_tile").is_dir() else root
        records = [record for name in CLASSES for record in self._of_class(name, home, root)]
        kept = self.modalities or [f"exp{exposure}" for exposure in self.exposures]
        there = {record.batch for record in records}
        if missing := [batch for batch in kept if batch not in there]:
            key = "modalities" if self.modalities else "exposures"
            raise UserError(
                f"data.{key}: no image is named {missing[0]}_num_...; there are "
                f"{', '.join(sorted(there))}"
            )
        records = [record for record in records if not kept or record.batch in kept]
        return _tiles(records, self.modalities) if self.modalities else records

    def _of_class(self, name: str, home: Path, root: Path) -> list[Record]:
        folder = home / f"MT_{name.capitalize()}" / "Imgs"
        if not folder.is_dir():
            raise UserError(
                f"{folder} is not there; set data.root=<folder> to the folder that holds MT_Free, "
                "MT_Blowhole, ... as their authors lay them out"
            )
        self.check_inside(folder, root)
        found: list[tuple[int, int, Path]] = []
        for path in self.images(folder, root, (".jpg",)):
            match = _NAME.fullmatch(path.name)
            if match is None:
                raise UserError(
                    f"{path}: expected a name like exp1_num_2038.jpg; rename it or take it out"
                )
            found.append((int(match[2]), int(match[1]), path))
        if not found:
            raise UserError(f"{folder}: holds no image; expected names like exp1_num_2038.jpg")
        label = name
        if self.labelling == "good_defect":
            label = "good" if name == "free" else "defect"
        records = []
        run, previous = 0, -1
        for _, exposure, path in sorted(found):
            run += exposure <= previous
            previous = exposure
            records.append(
                Record(
                    name=path.relative_to(home).as_posix(),
                    image=FileImage(path),
                    labels=(label,),
                    product="magnetic_tile",
                    batch=f"exp{exposure}",
                    group=f"{name}_run_{run + 1:03d}" if self.grouping == "exposure_run" else "",
                )
            )
        return records


def _tiles(records: Sequence[Record], modalities: Sequence[str]) -> list[Record]:
    """Return a record for each tile: its images are the exposures that there are of it."""
    tiles: dict[str, dict[str, Record]] = {}
    for record in records:
        tiles.setdefault(record.group, {})[record.batch] = record
    return [
        replace(
            next(iter(own.values())),
            name=tile,
            image=joined({name: record.image for name, record in own.items()}, modalities),
            batch="",
        )
        for tile, own in tiles.items()
    ]
