"""The rows of a manifest, one after another, as records."""

import os.path
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from unicodedata import normalize

from mlff_cli.config.modalities import PLAIN
from mlff_cli.data.columns import BOX, column_of
from mlff_cli.data.files import Box, FileImage, box_problem
from mlff_cli.data.manifest import Manifest
from mlff_cli.data.modalities import MultimodalDataset, joined
from mlff_cli.data.split_folders import SPLIT_OF
from mlff_cli.errors import UserError, nearest
from mlff_cli.images.decoding import upright_size
from mlff_cli.tasks.record import ImageSource, Record, one_form


class Rows:
    """One row after another to records, remembering what must not come twice."""

    def __init__(
        self,
        dataset: MultimodalDataset,
        root: Path,
        kind: str,
        manifest: Manifest,
        *,
        classes: Sequence[str],
        boxed: bool,
    ) -> None:
        """Take what the rows are read by.

        Args:
            dataset: What they are of; knows the names of its targets.
            root: What paths are relative to.
            kind: The column that holds labels, "" for targets.
            manifest: All rows.
            classes: The labels that may occur; empty admits any.
            boxed: Whether rows are parts of images.
        """
        self.dataset = dataset
        self.classes = classes
        self.root = root
        self.kind = kind
        self.boxed = boxed
        self.used = [
            name
            for name in ("product", "batch")
            if any(cells.get(name) for _, cells in manifest.rows)
        ]
        self.folders: dict[str, tuple[Path, bool]] = {}
        self.seen: dict[ImageSource, tuple[int, Record]] = {}
        self.sizes: dict[Path, tuple[int, int] | None] = {}
        self.parts: dict[Path, tuple[int, str, str]] = {}
        self.spellings: dict[str, str] = {}

    def record(self, line: int, cells: Mapping[str, str]) -> Record:
        """Return the record of a row.

        Raises:
            UserError: It names the column and what is wrong there.
        """
        paths = self._paths(cells)
        for name in self.used:
            if not cells[name]:
                raise UserError(f"column {name}: is empty here and filled in other rows")
        split = cells.get("split", "")
        if split and split.lower() not in SPLIT_OF:
            raise UserError(
                f"column split: '{shortened(split)}' is unknown; use train, val or test"
            )
        path, text = next(iter(paths.values()))
        box = self._box(path, cells) if self.boxed else None
        images = {name: FileImage(own, box=box) for name, (own, _) in paths.items()}
        image = joined(images, self.dataset.modalities or [PLAIN])
        record = Record(
            name=(cells["path"] or text)
            + ("" if box is None else "#xywh={},{},{},{}".format(*box)),
            image=image,
            labels=self._labels(cells[self.kind]) if self.kind else (),
            targets=() if self.kind else self._targets(cells),
            product=cells.get("product", ""),
            batch=cells.get("batch", ""),
            group=self._group(path, line, cells) if self.boxed else cells.get("group", ""),
            split=SPLIT_OF.get(split.lower(), ""),
        )
        if image in self.seen:
            first, other = self.seen[image]
            if record.labels == other.labels and record.targets == other.targets:
                raise UserError(
                    f"column path: {record.name} stands on line {first} already; remove one"
                )
            hint = "" if self.kind == "label" else " (several labels go in one cell: a;b)"
            raise UserError(
                f"column path: {record.name} stands on line {first} already with "
                f"{shortened(str(other.labels or other.targets))}, here with "
                f"{shortened(str(record.labels or record.targets))}; keep the right one{hint}"
            )
        self.seen[image] = line, record
        return record

    def _box(self, path: Path, cells: Mapping[str, str]) -> Box:
        left, top, width, height = (_pixels(name, cells[name]) for name in BOX)
        box = (left, top, width, height)
        if path not in self.sizes:
            self.sizes[path] = upright_size(path)
        size = self.sizes[path]  # None: told as a bad image
        if size and (problem := box_problem(box, *size)):
            raise UserError(f"columns x, y, width, height: the box {problem}")
        return box

    def _group(self, path: Path, line: int, cells: Mapping[str, str]) -> str:
        """Return the group of a part: the one given, else the image, whose parts stay together."""
        given = cells.get("group", "")
        first, group, name = self.parts.setdefault(path, (line, given, cells["path"]))
        if given != group:
            raise UserError(
                f"column group: is '{shortened(given)}' here and '{shortened(group)}' on line "
                f"{first}, which is a part of the same image; parts of one image must be in one "
                "group"
            )
        return given or name

    def _paths(self, cells: Mapping[str, str]) -> dict[str, tuple[Path, str]]:
        """Return the file of each image that the row has, and how it is written there."""
        columns = {column_of(name): name for name in self.dataset.modalities or [PLAIN]}
        given = {column: name for column, name in columns.items() if cells[column]}
        if not given:
            raise UserError(f"column {' or '.join(columns)}: is empty")
        return {
            name: (self._path(cells[column], column), cells[column])
            for column, name in given.items()
        }

    def _path(self, text: str, column: str = "path") -> Path:
        # Manifests written on Windows; a backslash in a name is hardly ever meant elsewhere.
        place, name = os.path.split(_as_on_disk(self.root, text.replace("\\", "/")))
        if place not in self.folders:
            self.folders[place] = self._folder(place)
        folder, inside = self.folders[place]
        real = folder / name
        try:
            if name == ".." or real.is_symlink():
                real = real.resolve()
                inside = real.is_relative_to(self.root)
            there = real.exists()
        except (OSError, RuntimeError) as error:  # a name too long, links in a circle
            raise UserError(
                f"column {column}: {shortened(text)} cannot be looked up: {error}"
            ) from None
        if not self.dataset.allow_outside_root and not inside:
            raise UserError(
                f"column {column}: {shortened(text)} leads out of {self.root}; set "
                "data.root=<folder>, or data.allow_outside_root=true to admit it"
            )
        if self.dataset.on_bad_image == "error" and not there:
            raise UserError(
                f"column {column}: {shortened(text)} is not in {self.root}; fix the path or set "
                "data.root"
            )
        return real

    def _folder(self, place: str) -> tuple[Path, bool]:
        """Return a folder of the manifest without links, and whether it lies in the root."""
        folder = (self.root / place).resolve()
        return folder, folder.is_relative_to(self.root)

    def _labels(self, cell: str) -> tuple[str, ...]:
        if self.kind == "label":
            if not cell:
                raise UserError(
                    "column label: is empty; give a class (a column named labels may be empty, "
                    "with head=multi_label)"
                )
            labels = [cell]
        else:
            parts = (part.strip() for part in cell.replace("|", ";").split(";"))
            labels = [part for part in parts if part]
        labels = list(dict.fromkeys(map(one_form, labels)))
        for label in labels:
            if self.classes and label not in self.classes:
                raise UserError(
                    f"column {self.kind}: '{shortened(label)}' is unknown; "
                    f"{nearest(label, self.classes)}"
                )
            usual = self.spellings.setdefault(label.casefold(), label)
            if label != usual:
                raise UserError(
                    f"column {self.kind}: '{shortened(label)}' is written '{usual}' further up; "
                    "use one spelling"
                )
        return tuple(labels)

    def _targets(self, cells: Mapping[str, str]) -> tuple[float, ...]:
        values = []
        for name in self.dataset.target_names:
            try:
                value = float(cells[name])
            except ValueError:
                hint = "; write decimals with a point" if "," in cells[name] else ""
                what = (
                    f"'{shortened(cells[name])}' is no number{hint}" if cells[name] else "is empty"
                )
                raise UserError(f"column {name}: {what}") from None
            if not isfinite(value):
                raise UserError(f"column {name}: {cells[name]} is not a finite number")
            values.append(value)
        return tuple(values)


def _pixels(column: str, cell: str) -> int:
    """Return a whole number; `12.0`, as tables write it where cells are empty, is one."""
    try:
        value = float(cell)
    except ValueError:
        what = f"'{shortened(cell)}' is no number" if cell else "is empty"
        raise UserError(f"column {column}: {what}; give pixels") from None
    if not value.is_integer():
        raise UserError(f"column {column}: {cell} is no whole number of pixels; round it")
    return int(value)


def _as_on_disk(root: Path, text: str) -> str:
    """Return a path in the form of Unicode in which it is there, else as it was given."""
    if text.isascii():  # which has one form
        return text
    forms = dict.fromkeys([text, *(normalize(form, text) for form in ("NFC", "NFD"))])
    return next((form for form in forms if os.path.lexists(root / form)), text)


def shortened(text: str) -> str:
    """Return the beginning of a text that is too long for a message."""
    return text if len(text) <= 80 else text[:77] + "..."
