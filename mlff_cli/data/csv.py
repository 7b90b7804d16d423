"""A user's own images, listed with their labels or targets in a CSV file."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from os.path import lexists
from pathlib import Path
from unicodedata import normalize

from mlff_cli.data.columns import BOX, has_boxes, refuse_near_columns, without
from mlff_cli.data.files import Box, FileDataset, FileImage, box_problem, natural
from mlff_cli.data.manifest import Manifest, read_manifest
from mlff_cli.data.split_folders import SPLIT_OF
from mlff_cli.errors import SHOWN, UserError, nearest
from mlff_cli.images.decoding import upright_size
from mlff_cli.tasks.record import Record, one_form

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Csv(FileDataset):
    """Images by a manifest: `path`, one of `label`, `labels` or targets, and optional columns.

    Columns: `label` is one class; `labels` any number, separated by `;` or `|` (an empty cell
    is none of them); targets are numbers. `product`, `batch`, `group` and `split` (train,
    validation or val, test) are optional. Products and batches come in the order of their first
    rows: a manifest may tell the order of production. Other columns are ignored, unless they are
    like one of these. With `x`, `y`, `width` and `height`, in pixels, a row is that part of an
    image; parts of one image stay on one side of a split.

    Attributes:
        file: The manifest, UTF-8, separated by comma, semicolon or tab.
        root: What its paths are relative to; None is the manifest's own folder.
        targets: The target columns; when empty and there are no labels, those named `target_...`.
        classes: The labels that may occur; empty admits any.
        ignored_columns: Columns that are not read, whatever they are called.
    """

    file: str | None = None
    targets: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.targets, self.classes, self.ignored_columns = (
            list(map(one_form, names))
            for names in (self.targets, self.classes, self.ignored_columns)
        )

    def listed(self) -> list[Record]:
        """Return the rows in the manifest's order, and set `target_names`.

        Raises:
            UserError: With the lines, columns and what is wrong there, the first few of them.
        """
        if not self.file:
            raise UserError("set data.file=<manifest.csv> to the list of your images")
        file = Path(self.file).expanduser()
        if not file.exists():
            names = [path.name for path in file.parent.glob("*.[ct]sv")]
            hint = f"; {nearest(file.name, names)}" if names else ""
            raise UserError(f"data.file={self.file} does not exist{hint}")
        manifest = without(read_manifest(file, must_have="path"), self.ignored_columns, file)
        kind = self._kind(manifest, file)
        refuse_near_columns(manifest.columns, self.target_names, file)
        root = self.folder("the images of the manifest") if self.root else file.parent.resolve()
        boxed = has_boxes(manifest.columns, self.target_names, file)
        rows = _Rows(self, root, kind, manifest, boxed=boxed)
        records, problems = [], []
        for line, cells in manifest.rows:
            try:
                records.append(rows.record(line, cells))
            except UserError as error:
                problems.append(f"  line {line}, {error}")
        if problems:
            more = len(problems) - SHOWN
            tail = [f"  ... and {more} more"] if more > 0 else []
            raise UserError(
                f"{file}: {len(problems)} of {len(manifest.rows)} rows cannot be used:\n"
                + "\n".join(problems[:SHOWN] + tail)
            )
        for name in ("product", "batch"):
            _tell_order(name, [getattr(record, name) for record in records])
        if boxed:
            images = len({cells["path"] for _, cells in manifest.rows})
            log.info("%d rows are parts of %d images (x, y, width, height)", len(records), images)
        return records

    def _kind(self, manifest: Manifest, file: Path) -> str:
        """Return which column holds the labels, "" for targets."""
        columns = manifest.columns
        shown = [_short(name) for name in columns if name][:50]
        for name in ("path", *self.targets):
            if name not in columns:
                raise UserError(
                    f"{file}, line 1: there is no column '{name}'; {nearest(name, shown)}"
                )
        kinds = [name for name in ("label", "labels") if name in columns]
        if self.targets or not kinds:
            found = self.targets or [name for name in columns if name.startswith("target_")]
            self.target_names = tuple(found)
            if not found:
                raise UserError(
                    f"{file}, line 1: there is no column 'label', 'labels' or 'target_...'; "
                    f"{nearest('label', shown)} Numbers in columns of other names are chosen by "
                    "data.targets=[name,...]"
                )
            return ""
        if len(kinds) == 2:
            raise UserError(f"{file}, line 1: has both 'label' and 'labels'; keep one of them")
        return kinds[0]


class _Rows:
    """One row after another to records, remembering what must not come twice."""

    def __init__(
        self, dataset: Csv, root: Path, kind: str, manifest: Manifest, *, boxed: bool
    ) -> None:
        self.dataset = dataset
        self.root = root
        self.kind = kind
        self.boxed = boxed
        self.used = [
            name
            for name in ("product", "batch")
            if any(cells.get(name) for _, cells in manifest.rows)
        ]
        self.folders: dict[Path, Path] = {}
        self.seen: dict[FileImage, tuple[int, Record]] = {}
        self.sizes: dict[Path, tuple[int, int] | None] = {}
        self.parts: dict[Path, tuple[int, str, str]] = {}
        self.spellings: dict[str, str] = {}

    def record(self, line: int, cells: Mapping[str, str]) -> Record:
        path = self._path(cells["path"])
        for name in self.used:
            if not cells[name]:
                raise UserError(f"column {name}: is empty here and filled in other rows")
        split = cells.get("split", "")
        if split and split.lower() not in SPLIT_OF:
            raise UserError(f"column split: '{_short(split)}' is unknown; use train, val or test")
        box = self._box(path, cells) if self.boxed else None
        image = FileImage(path, box=box)
        record = Record(
            name=cells["path"] + ("" if box is None else "#xywh={},{},{},{}".format(*box)),
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
                f"{_short(str(other.labels or other.targets))}, here with "
                f"{_short(str(record.labels or record.targets))}; keep the right one{hint}"
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
                f"column group: is '{_short(given)}' here and '{_short(group)}' on line {first}, "
                "which is a part of the same image; parts of one image must be in one group"
            )
        return given or name

    def _path(self, text: str) -> Path:
        if not text:
            raise UserError("column path: is empty")
        # Manifests written on Windows; a backslash in a name is hardly ever meant elsewhere.
        path = _as_on_disk(self.root, text.replace("\\", "/"))
        if path.parent not in self.folders:
            self.folders[path.parent] = path.parent.resolve()
        real = self.folders[path.parent] / path.name
        try:
            if real.is_symlink() or path.name == "..":
                real = real.resolve()
            there = real.exists()
        except (OSError, RuntimeError) as error:  # a name too long, links in a circle
            raise UserError(f"column path: {_short(text)} cannot be looked up: {error}") from None
        if not self.dataset.allow_outside_root and not real.is_relative_to(self.root):
            raise UserError(
                f"column path: {_short(text)} leads out of {self.root}; set data.root=<folder>, or "
                "data.allow_outside_root=true to admit it"
            )
        if self.dataset.on_bad_image == "error" and not there:
            raise UserError(
                f"column path: {_short(text)} is not in {self.root}; fix the path or set data.root"
            )
        return real

    def _labels(self, cell: str) -> tuple[str, ...]:
        if self.kind == "label":
            if not cell:
                raise UserError("column label: is empty")
            labels = [cell]
        else:
            parts = (part.strip() for part in cell.replace("|", ";").split(";"))
            labels = [part for part in parts if part]
        labels = list(dict.fromkeys(map(one_form, labels)))
        for label in labels:
            known = self.dataset.classes
            if known and label not in known:
                raise UserError(
                    f"column {self.kind}: '{_short(label)}' is unknown; {nearest(label, known)}"
                )
            usual = self.spellings.setdefault(label.casefold(), label)
            if label != usual:
                raise UserError(
                    f"column {self.kind}: '{_short(label)}' is written '{usual}' further up; "
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
                what = f"'{_short(cells[name])}' is no number{hint}" if cells[name] else "is empty"
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
        what = f"'{_short(cell)}' is no number" if cell else "is empty"
        raise UserError(f"column {column}: {what}; give pixels") from None
    if not value.is_integer():
        raise UserError(f"column {column}: {cell} is no whole number of pixels; round it")
    return int(value)


def _tell_order(column: str, names: Sequence[str]) -> None:
    """Say in which order the names of a column come where that is not the order of the names."""
    found = list(dict.fromkeys(names))
    if found != sorted(found, key=natural):
        shown = ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")
        log.info(
            "column %s: the order is that of the first rows: %s (order=[...] gives another)",
            column,
            shown,
        )


def _as_on_disk(root: Path, text: str) -> Path:
    """Return a path in the form of Unicode in which it is there, else as it was given."""
    forms = dict.fromkeys([text, *(normalize(form, text) for form in ("NFC", "NFD"))])
    return next((root / form for form in forms if lexists(root / form)), root / text)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
