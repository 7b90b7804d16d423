"""Which columns of a manifest are read, and those that were perhaps meant to be."""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

from mlff_cli.config.modalities import PLAIN
from mlff_cli.data.manifest import Manifest
from mlff_cli.errors import UserError, nearest

log = logging.getLogger(__name__)

READ = ("path", "label", "labels", "product", "batch", "group", "split")
"""Columns that are known by their names, beside targets and boxes."""

BOX = ("x", "y", "width", "height")
"""Columns that tell a part of an image, in pixels."""

LIKE_A_BOX = (
    ("x", "y", "width"),
    ("x", "y", "height"),
    ("x", "y", "w"),
    ("x", "y", "h"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "width", "height"),
    ("left", "top", "right", "bottom"),
)
"""Columns, in small letters, that were perhaps meant to tell one."""


def column_of(modality: str) -> str:
    """Return the column that holds the images of a modality."""
    return "path" if modality == PLAIN else f"path_{modality}"


def refuse_unknown_modalities(
    columns: Sequence[str], modalities: Sequence[str], file: Path, *, boxed: bool
) -> None:
    """Refuse modalities without a column, and parts of images where there are several.

    Raises:
        UserError: It names the column.
    """
    for name in modalities:
        if column_of(name) not in columns:
            near = nearest(column_of(name), filter(None, columns))
            raise UserError(f"{file}, line 1: there is no column '{column_of(name)}'; {near}")
    if boxed and len(modalities) > 1:
        raise UserError(
            f"{file}, line 1: x, y, width and height tell a part of one image, and "
            f"data.modalities={list(modalities)} names several; cut the parts out, or leave these "
            "columns out with data.ignored_columns=[x,y,width,height]"
        )
    others = [name for name in columns if name.startswith("path_")]
    if others and not modalities:
        log.info(
            "%s: %s not read; data.modalities=[%s] reads them beside path",
            file,
            "the column " + others[0] + " is" if len(others) == 1 else ", ".join(others) + " are",
            ",".join([PLAIN, *(name.removeprefix("path_") for name in others)]),
        )


def without(manifest: Manifest, ignored: Sequence[str], file: Path) -> Manifest:
    """Return a manifest as if it did not have the ignored columns.

    Raises:
        UserError: There is no such column.
    """
    for name in ignored:
        if name not in manifest.columns:
            raise UserError(
                f"data.ignored_columns: {file} has no column '{name}'; "
                f"{nearest(name, filter(None, manifest.columns))}"
            )
    rows = [
        (line, {name: cell for name, cell in cells.items() if name not in ignored})
        for line, cells in manifest.rows
    ]
    columns = tuple(name for name in manifest.columns if name not in ignored)
    return Manifest(columns, tuple(rows))


def refuse_near_columns(columns: Sequence[str], targets: Collection[str], file: Path) -> None:
    """Refuse columns that differ from one that is read by case or plural alone.

    Ignored in silence, a `Group` would let images of one piece straddle training and test.

    Raises:
        UserError: It names the column and what it is like.
    """
    for name in columns:
        meant = _meant(name)
        if meant is not None and name not in {*READ, *targets}:
            raise UserError(
                f"{file}, line 1: the column '{name}' is not read; rename it to '{meant}' if that "
                f"is meant, or have it ignored with data.ignored_columns=['{name}']"
            )


def has_boxes(columns: Sequence[str], targets: Collection[str], file: Path) -> bool:
    """Return whether the rows of a manifest are parts of images.

    Raises:
        UserError: There are columns that look like boxes and are none.
    """
    others = [name for name in columns if name not in targets]
    if all(name in others for name in BOX):
        return True
    small = {name.casefold(): name for name in others}
    for names in LIKE_A_BOX:
        if all(name in small for name in names):
            found = [small[name] for name in names]
            raise UserError(
                f"{file}, line 1: the columns {', '.join(found)} look like a part of the image, "
                "which is told by x, y, width and height, in pixels; rename or convert them, or "
                f"have them ignored with data.ignored_columns={found}"
            )
    return False


def _meant(name: str) -> str | None:
    """Return the column that a name is like, itself where it is one, else None."""
    small = name.casefold()
    if small.startswith(("target_", "targets_")):
        return None if name.startswith("target_") else "target_" + name.partition("_")[2]
    likely = (small, small.removesuffix("s"), small.removesuffix("es"))
    return next((column for column in likely if column in READ), None)
