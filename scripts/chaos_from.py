"""`mlff train from=`, killed: it must end as without, and leave the run before it alone."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from chaos_commands import PLACES, TASK, Command, carried_out

NEW = (
    "dataset=placement",
    "data.images_per_class=4",
    "method.epochs=20",
    *(word for word in TASK if word.startswith("trainer.")),
)
"""Images of a further product, and how it is learned."""


@dataclass
class GoingOn(Command):
    """A run that goes on from another one.

    Attributes:
        parent: The folder of that one.
        before: What is in it, by path.
    """

    parent: Path = Path()
    before: dict[str, bytes] = field(default_factory=dict)

    def uninterrupted(self, folder: Path) -> float:
        """Train the run before, then go on from it without any kill."""
        carried_out(["train", *TASK, "method.epochs=2", *PLACES], folder / "before")
        self.parent = next((folder / "before").glob("runs/*/*/DONE")).parent
        self.before = self._found()
        self.words = ("train", f"from={self.parent}", *NEW)
        return super().uninterrupted(folder / "after")

    def broken_off(
        self, folder: Path, seconds: float, most: int, moments: random.Random
    ) -> tuple[int, str, bool]:
        """Kill it, and look at both runs."""
        kills, said, right = super().broken_off(folder, seconds, most, moments)
        if right and self._found() != self.before:
            return kills, "LOST: the run before was changed", False
        return kills, said, right

    def _found(self) -> dict[str, bytes]:
        return {str(f): f.read_bytes() for f in sorted(self.parent.rglob("*")) if f.is_file()}
