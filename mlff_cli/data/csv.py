"""A user's own images, listed with their labels or targets in a CSV file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

from mlff_cli.data.files import FileDataset, FileImage
from mlff_cli.data.manifest import Manifest, read_manifest
from mlff_cli.errors import SHOWN, UserError, nearest
from mlff_cli.tasks.record import Record

SPLITS = {
    "": "",
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclass(kw_only=True)
class Csv(FileDataset):
    """Images by a manifest: `path`, one of `label`, `labels` or targets, and optional columns.

    Columns: `label` is one class; `labels` any number, separated by `;` or `|` (an empty cell
    is none of them); targets are numbers. `product`, `batch`, `group` and `split` (train,
    validation or val, test) are optional, others are ignored.

    Attributes:
        file: The manifest, UTF-8, separated by comma, semicolon or tab.
        root: What its paths are relative to; None is the manifest's own folder.
        targets: The target columns; when empty and there are no labels, those named `target_...`.
        classes: The labels that may occur; empty admits any.
    """

    file: str | None = None
    targets: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)

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
        manifest = read_manifest(file, must_have="path")
        kind = self._kind(manifest, file)
        root = self.folder("the images of the manifest") if self.root else file.parent.resolve()
        rows = _Rows(self, root, kind, manifest)
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

    def __init__(self, dataset: Csv, root: Path, kind: str, manifest: Manifest) -> None:
        self.dataset = dataset
        self.root = root
        self.kind = kind
        self.used = [
            name
            for name in ("product", "batch")
            if any(cells.get(name) for _, cells in manifest.rows)
        ]
        self.folders: dict[Path, Path] = {}
        self.seen: dict[Path, tuple[int, Record]] = {}
        self.spellings: dict[str, str] = {}

    def record(self, line: int, cells: Mapping[str, str]) -> Record:
        path = self._path(cells["path"])
        for name in self.used:
            if not cells[name]:
                raise UserError(f"column {name}: is empty here and filled in other rows")
        split = cells.get("split", "")
        if split.lower() not in SPLITS:
            raise UserError(f"column split: '{_short(split)}' is unknown; use train, val or test")
        record = Record(
            name=cells["path"],
            image=FileImage(path),
            labels=self._labels(cells[self.kind]) if self.kind else (),
            targets=() if self.kind else self._targets(cells),
            product=cells.get("product", ""),
            batch=cells.get("batch", ""),
            group=cells.get("group", ""),
            split=SPLITS[split.lower()],
        )
        if path in self.seen:
            first, other = self.seen[path]
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
        self.seen[path] = line, record
        return record

    def _path(self, text: str) -> Path:
        if not text:
            raise UserError("column path: is empty")
        # Manifests written on Windows; a backslash in a name is hardly ever meant elsewhere.
        path = self.root / text.replace("\\", "/")
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
                raise UserError(
                    "column label: is empty; give a class (a column named labels may be empty, "
                    "with head=multi_label)"
                )
            labels = [cell]
        else:
            labels = [part.strip() for part in cell.replace("|", ";").split(";")]
            labels = list(dict.fromkeys(part for part in labels if part))
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


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
