"""Which columns of a manifest are read, and those that were perhaps meant to be."""

from collections.abc import Collection, Sequence
from pathlib import Path

from mlff_cli.data.manifest import Manifest
from mlff_cli.errors import UserError, nearest

READ = ("path", "label", "labels", "product", "batch", "group", "split")
"""Columns that are known by their names, beside targets."""


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


def _meant(name: str) -> str | None:
    """Return the column that a name is like, itself where it is one, else None."""
    small = name.casefold()
    if small.startswith(("target_", "targets_")):
        return None if name.startswith("target_") else "target_" + name.partition("_")[2]
    likely = (small, small.removesuffix("s"), small.removesuffix("es"))
    return next((column for column in likely if column in READ), None)
