"""Nearest class mean: nothing trains, and an image is of the class whose mean is nearest."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.errors import UserError
from mlff_cli.features.columns import everything
from mlff_cli.methods.base import Context, Journal, State
from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.tasks.experience import Step


class NearestClassMean(FrozenMethod):
    """A linear head holds the rule: of m x - |m|^2 / 2 the greatest is where |x - m| is least."""

    fusion_learns = False

    def __init__(self, context: Context, *, temperature: float) -> None:
        super().__init__(context)
        head = context.head(1, ("", " "))
        if not (head.exclusive and head.is_linear):
            raise UserError("method=nearest_class_mean needs head=classifier head.hidden=0")
        self.temperature = temperature
        self.sums: dict[str, Tensor] = {}  # of each head (C, 1 + D): images of a class, their sum

    @torch.no_grad()
    def learn(self, step: Step, journal: Journal) -> None:
        """Add the images of the step to the sums of their classes."""
        for experience in step.experiences:
            head = self.adapters[experience.head]
            columns = self.read([record.image for record in experience.train])
            self.adapters.fusion_of(experience.head).fit(everything(columns))
            described = self.descriptors(columns, experience.head)  # (N, D)
            rows = F.pad(described, (1, 0), value=1.0)  # (N, 1 + D)
            classes = head.targets(experience.train, head.outputs).to(rows.device)  # (N,)
            before = self.sums.get(experience.head, rows[:0])
            sums = F.pad(before, (0, 0, 0, head.n_outputs - len(before)))
            self.sums[experience.head] = sums = sums.index_add(0, classes, rows)
            means = sums[:, 1:] / sums[:, :1].clamp(min=1)
            head.take_fit(means / self.temperature, -means.square().sum(1) / 2 / self.temperature)

    def kept(self) -> dict[str, Tensor]:
        """Return the sums."""
        return {name: own.cpu() for name, own in self.sums.items()}

    def load(self, state: State) -> None:
        """Take heads and sums."""
        super().load(state)
        self.sums = {name: own.to(self.context.device.device) for name, own in state.kept.items()}
