"""The key `data.modalities`: the names of the images that a record may have."""

import re
from collections.abc import Sequence

from mlff_cli.errors import UserError

PLAIN = "image"
"""The image that a record has in any case: of the column `path`, or without a suffix."""

NAME = re.compile(r"\w[\w-]*")


def several(names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names where a record has several images; empty where it has one."""
    return tuple(names) if names and len(names) > 1 else ()


def check_modalities(names: Sequence[str]) -> None:
    """Raise `UserError` where names cannot stand in columns, files and levels, or come twice."""
    for name in names:
        if not NAME.fullmatch(name):
            raise UserError(
                f"data.modalities: '{name}' is no name; use letters, digits, - and _ alone"
            )
    if len(set(names)) < len(names):
        raise UserError(f"data.modalities: {', '.join(names)}: a name stands there twice")
