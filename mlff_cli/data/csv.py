"""A user's own images, listed with their labels or targets in a CSV file."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlff_cli.data.columns import (
    has_boxes,
    refuse_near_columns,
    refuse_unknown_modalities,
    without,
)
from mlff_cli.data.files import natural
from mlff_cli.data.manifest import Manifest, read_manifest
from mlff_cli.data.manifest_rows import Rows, shortened
from mlff_cli.data.modalities import MultimodalDataset
from mlff_cli.errors import SHOWN, UserError, nearest
from mlff_cli.tasks.record import Record, one_form

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Csv(MultimodalDataset):
    """Images by a manifest: `path`, one of `label`, `labels` or targets, and optional columns.

    Columns: `label` is one class; `labels` any number, separated by `;` or `|` (an empty cell
    is none of them); targets are numbers. `product`, `batch`, `group` and `split` (train,
    validation or val, test) are optional. Products and batches come in the order of their first
    rows: a manifest may tell the order of production. Other columns are ignored, unless they are
    like one of these. With `x`, `y`, `width` and `height`, in pixels, a row is that part of an
    image; parts of one image stay on one side of a split. With `modalities` a row has several
    images, in `path` and `path_<modality>`; some of its cells may be empty.

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
        refuse_unknown_modalities(manifest.columns, self.modalities, file, boxed=boxed)
        rows = Rows(self, root, kind, manifest, classes=self.classes, boxed=boxed)
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
        shown = [shortened(name) for name in columns if name][:50]
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
