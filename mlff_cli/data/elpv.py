"""ELPV: electroluminescence images of solar cells, from the package `elpv-dataset`.

C. Buerhop-Lutz et al., "A benchmark for visual identification of defective solar cells in
electroluminescence imagery" (2018); S. Deitsch et al. (2019). CC BY-NC-SA 4.0.
"""

from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from mlff_cli.data.files import FileDataset, FileImage
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import Record


class _Cell(NamedTuple):
    path: str
    probability: float
    product: str


@dataclass(kw_only=True)
class Elpv(FileDataset):
    """2,624 solar cells: products mono and poly, classes by the probability of a defect.

    Attributes:
        root: Folder of `labels.csv` and `images`; None takes the installed package.
        classes: 2 (functional, defective) or 4 (defective_0, _33, _67 and _100).
        threshold: With two classes, `defective` is a probability above this.
        group_size: Cells of one module are neighbours in `labels.csv`, so blocks of this many
            are kept together. Blocks are cut where the product changes; a rest of less than half
            a block joins the one before.
    """

    good: str | list[str] = field(default_factory=lambda: ["functional", "defective_0"])
    image_size: int | list[int] = 224
    classes: int = 2
    threshold: float = 0.5
    group_size: int = 60

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.classes not in (2, 4):
            raise UserError(f"data.classes={self.classes}: give 2 or 4")
        if not 0 <= self.threshold < 1:
            raise UserError(f"data.threshold={self.threshold}: give a number from 0 to below 1")
        if self.group_size < 1:
            raise UserError(f"data.group_size={self.group_size}: give 1 or more")

    def listed(self) -> list[Record]:
        """Return the cells in the order of `labels.csv`."""
        root = self._data()
        records: list[Record] = []
        for _, neighbours in groupby(_cells(root / "labels.csv"), key=lambda cell: cell.product):
            cells = list(neighbours)
            blocks = max(1, round(len(cells) / self.group_size))
            first = len(records) + 1
            for position, cell in enumerate(cells):
                block = min(position // self.group_size, blocks - 1)
                path = root / cell.path
                self.check_inside(path, root)
                records.append(
                    Record(
                        name=cell.path,
                        image=FileImage(path),
                        labels=(self._label(cell.probability),),
                        product=cell.product,
                        group=f"cells_from_{first + block * self.group_size:04d}",
                    )
                )
        return records

    def _data(self) -> Path:
        if self.root:
            root = self.folder("labels.csv and images/ of ELPV")
        else:
            # Found, not imported: the package reads all images into memory with its own loader.
            package = find_spec("elpv_dataset")
            if package is None or not package.submodule_search_locations:
                raise UserError(
                    "dataset=elpv needs the package elpv-dataset: pip install 'mlff[elpv]' (its "
                    "images are CC BY-NC-SA 4.0: not for commercial use), or data.root=<folder> "
                    "with labels.csv and images/ in it"
                )
            root = Path(package.submodule_search_locations[0]).resolve()
        return next((p for p in (root, root / "data") if (p / "labels.csv").is_file()), root)

    def _label(self, probability: float) -> str:
        if self.classes == 4:
            return f"defective_{round(100 * probability)}"
        return "defective" if probability > self.threshold else "functional"


def _cells(labels: Path) -> list[_Cell]:
    try:
        lines = labels.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{labels}: cannot be read ({error}); it comes with ELPV's images"
        ) from None
    cells = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = line.split()
            if fields[3:] in (["train"], ["test"]):  # its publishers' own split, in version 1.0.0
                del fields[3:]
            path, text, product = fields
            probability = float(text)
        except ValueError:
            probability = float("nan")
        if not isfinite(probability) or not 0 <= probability <= 1:
            raise UserError(
                f"{labels}, line {number}: expected 'image probability type', such as "
                f"'images/cell0001.png 1.0 mono', got '{line.strip()[:80]}'"
            )
        cells.append(_Cell(path, probability, product))
    if not cells:
        raise UserError(f"{labels}: holds no cell; install elpv-dataset again")
    return cells
