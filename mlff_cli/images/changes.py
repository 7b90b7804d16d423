"""Changes of an image that a dataset may admit because they leave its labels true."""

from collections.abc import Sequence

from mlff_cli.errors import UserError, nearest

CHANGES = ("flips", "shifts", "brightness")
"""What augmentation and views may do to an image; a dataset names those that it admits."""


def check_changes(kinds: Sequence[str]) -> None:
    """Raise `UserError` with the nearest names where there is no such change."""
    for kind in kinds:
        if kind not in CHANGES:
            raise UserError(f"data.augmentation: '{kind}' is unknown; {nearest(kind, CHANGES)}")
