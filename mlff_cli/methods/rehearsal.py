"""Rehearsal: features of a few old images, the exemplars, train again beside the new ones."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.features.columns import Columns, Whole
from mlff_cli.features.pooling import LevelInput
from mlff_cli.features.store.precision import as_kept
from mlff_cli.heads.base import Head
from mlff_cli.methods.training import Part
from mlff_cli.tasks.record import Record

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exemplars:
    """Features and targets of N images of one experience.

    Attributes:
        targets: As the head gives them: (N,) or (N, O).
        variations: For each stored variation of the images one (N, ...) per input.
    """

    targets: Tensor
    variations: Sequence[Sequence[Tensor]]

    @classmethod
    def of(
        cls,
        records: Sequence[Record],
        places: Sequence[int],
        head: Head,
        *,
        variations: Sequence[Columns],
        inputs: Sequence[LevelInput],
    ) -> "Exemplars":
        """Return those of some records at places, as the store keeps features.

        Args:
            records: Of one experience.
            places: Of the images among them.
            head: Says what their targets are.
            variations: Features of all records, for each stored variation.
            inputs: What the columns of features hold.
        """
        taken = [columns[torch.tensor(places)] for columns in variations]
        return cls(
            head.targets([records[place] for place in places], head.outputs),
            [
                [
                    as_kept(of.name, column.cpu(), torch.float32)
                    for of, column in zip(inputs, columns, strict=True)
                ]
                for columns in taken
            ],
        )

    @property
    def nbytes(self) -> int:
        """What the features take in memory, and on disk."""
        return sum(column.nbytes for columns in self.variations for column in columns)

    def part(self, head: Head, device: torch.device) -> Part:
        """Return them as something to learn from."""
        targets = self.targets
        if targets.ndim == 2:  # a label that came later is on none of the images of before
            targets = F.pad(targets, (0, head.n_outputs - targets.shape[1]))
        rows = [Columns(Whole(columns)) for columns in self.variations]
        return Part(head, lambda epoch: rows[epoch % len(rows)], targets.to(device))


@dataclass
class Memory:
    """The exemplars of a run by head, then by experience."""

    kept: dict[str, dict[str, Exemplars]] = field(default_factory=dict)

    def add(self, head: str, experience: str, exemplars: Exemplars) -> None:
        """Keep the exemplars of an experience, and say what they take."""
        self.kept.setdefault(head, {})[experience] = exemplars
        log.info(
            "'%s': features of %d images are kept for rehearsal, %.1f MB",
            experience,
            len(exemplars.targets),
            exemplars.nbytes / 1e6,
        )

    def parts(self, name: str, head: Head, device: torch.device) -> list[Part]:
        """Return what the head of that name rehearses: one part for each experience."""
        # By name: a file gives them back in another order, and what is drawn depends on it.
        own = sorted(self.kept.get(name, {}).items())
        return [exemplars.part(head, device) for _, exemplars in own]

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors; their names tell head, experience and place."""
        return {
            json.dumps([head, experience, *place]): tensor
            for head, own in self.kept.items()
            for experience, exemplars in own.items()
            for place, tensor in _placed(exemplars)
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take what `tensors` returned.

        Raises:
            RuntimeError: Something is missing.
        """
        own: dict[tuple[str, str], dict[tuple[int, ...], Tensor]] = {}
        for name, tensor in tensors.items():
            head, experience, *place = json.loads(name)
            own.setdefault((head, experience), {})[tuple(place)] = tensor
        self.kept = {}
        for (head, experience), placed in own.items():
            self.kept.setdefault(head, {})[experience] = _exemplars(placed, experience)


def _placed(exemplars: Exemplars) -> list[tuple[tuple[int, ...], Tensor]]:
    """Return each tensor with its place: the targets have none."""
    columns = [
        ((variation, place), column)
        for variation, own in enumerate(exemplars.variations)
        for place, column in enumerate(own)
    ]
    return [((), exemplars.targets), *columns]


def _exemplars(placed: Mapping[tuple[int, ...], Tensor], experience: str) -> Exemplars:
    variations: dict[int, list[Tensor]] = {}
    for place in sorted(filter(None, placed)):
        variations.setdefault(place[0], []).append(placed[place])
    if () not in placed or len({len(columns) for columns in variations.values()}) != 1:
        raise RuntimeError(f"the exemplars of '{experience}' are incomplete")
    return Exemplars(placed[()], list(variations.values()))
