"""A task's sequence: its experiences, and the steps in which they are learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlff_cli.tasks.record import Record

SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Experience:
    """The records of one part of the sequence, and the head that reads them.

    Attributes:
        index: Position in the sequence, from 1; experiences that are only scored come last.
        name: A product, a batch or a group of classes.
        head: Name of the head: the experience's own, or one shared by several.
        outputs: Names of the head's outputs once this experience is learned. A head that grows
            only ever appends, so an output keeps its place.
        learned: False for an unseen one, which is only ever scored.
        regression: Whether the outputs are numbers; else they are classes.
    """

    index: int
    name: str
    head: str
    outputs: tuple[str, ...]
    train: Sequence[Record]
    validation: Sequence[Record]
    test: Sequence[Record]
    learned: bool = True
    regression: bool = False

    def split(self, name: SplitName) -> Sequence[Record]:
        """Return the records of one split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


@dataclass(frozen=True)
class Step:
    """What a method learns at once: one experience, or several (joint training: all of them)."""

    experiences: tuple[Experience, ...]

    @property
    def name(self) -> str:
        """The names of its experiences."""
        return "+".join(experience.name for experience in self.experiences)

    @property
    def index(self) -> int:
        """Position of its last experience in the sequence, from 1."""
        return self.experiences[-1].index

    def records(self, split: SplitName) -> tuple[Record, ...]:
        """Return the records of one split, experience after experience."""
        return tuple(record for e in self.experiences for record in e.split(split))
