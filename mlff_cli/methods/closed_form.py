"""A closed form instead of training: heads are solved from sums over images that add up."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.errors import UserError, nearest
from mlff_cli.features.columns import everything
from mlff_cli.heads.base import Head
from mlff_cli.methods.adapters import Adapters
from mlff_cli.methods.base import Context, Journal, State
from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.methods.held_out import held_out
from mlff_cli.methods.linear_discriminant import discriminants
from mlff_cli.methods.ridge import PENALTIES, cheapest, held_out_errors, is_at_edge, ridge
from mlff_cli.methods.sums import Sums, added
from mlff_cli.system.device import limited_threads
from mlff_cli.tasks.experience import Experience, Step
from mlff_cli.tasks.record import Record

log = logging.getLogger(__name__)


class ClosedForm(FrozenMethod):
    """Linear discriminant for classes, ridge regression for labels and numbers.

    Of every experience float64 sums are kept (`Sums`), and each head is solved from the total of
    its own, added in the order of the experiences' names: with a fusion layer that takes no
    constants the result depends on no order of arrival, bit by bit, and an experience that is
    taken out leaves no trace. What counts as trainable are the weights of the heads.

    Attributes:
        sums: By head, then by experience.
    """

    fusion_learns: ClassVar[bool] = False

    def __init__(self, context: Context) -> None:
        # Discriminants are small differences of large numbers: half precision would lose them.
        super().__init__(replace(context, device=replace(context.device, autocast_type=None)))
        if not context.head(1, ("", " ")).is_linear:
            raise UserError(
                "head.hidden: method=closed_form solves a linear head and trains no hidden layer; "
                "give head.hidden=0"
            )
        if any(True for _ in self.adapters.fusion.parameters()):
            log.warning(
                "method=closed_form trains no fusion layer: this one stays as it was drawn; "
                "fusion=normalised_means has nothing to train"
            )
        self.sums: dict[str, dict[str, Sums]] = {}

    @torch.no_grad()
    def learn(self, step: Step, journal: Journal) -> None:
        """Add the sums of the step's experiences, and solve the heads that read them."""
        # On one thread, the bits do not depend on how many cores there are.
        with limited_threads(1):
            for experience in step.experiences:
                own = self.sums.setdefault(experience.head, {})
                own[experience.name] = self._summed(experience)
            for head in dict.fromkeys(experience.head for experience in step.experiences):
                self._solve(head)

    @torch.no_grad()
    def forget(self, name: str) -> None:
        """Take an experience out, as if it had never been learned.

        Labels that only it had leave their head, and a head that nothing else reads goes.

        Raises:
            UserError: There is no such experience.
        """
        names = {experience: head for head, own in self.sums.items() for experience in own}
        if name not in names:
            raise UserError(f"experience '{name}' was not learned; {nearest(name, names)}")
        outputs = {**self.heads, names[name]: self._without(name, names[name])}
        fusion = self.adapters.fusion
        self.adapters = Adapters(lambda: fusion, self.context.head)
        with limited_threads(1):
            for head in filter(self.sums.__contains__, outputs):
                self.adapters.provide(head, outputs[head])
                self._solve(head)
        self.adapters.eval()

    def kept(self) -> Mapping[str, Tensor]:
        """Return the sums."""
        return {
            json.dumps([head, experience, part.name]): getattr(sums, part.name)
            for head, own in self.sums.items()
            for experience, sums in own.items()
            for part in fields(Sums)
        }

    def load(self, state: State) -> None:
        """Take heads and sums.

        Raises:
            RuntimeError: The tensors do not fit.
        """
        parts: dict[tuple[str, str], dict[str, Tensor]] = {}
        for name, tensor in state.kept.items():
            head, experience, part = json.loads(name)
            parts.setdefault((head, experience), {})[part] = tensor
        if {head for head, _ in parts} != set(state.heads):
            raise RuntimeError("a head is without its sums")
        super().load(state)
        self.sums = {}
        for (head, experience), own in parts.items():
            self.sums.setdefault(head, {})[experience] = Sums(**own)

    def _summed(self, experience: Experience) -> Sums:
        """Return the sums of the training images and of their stored variations."""
        head = self.adapters[experience.head]
        plain = self._described(experience, experience.train)
        targets = _targets(head, experience.train)
        errors = _no_errors()
        if not head.exclusive:
            errors = self._errors(experience, plain, targets)
        varied = [
            self._described(experience, experience.train, variation)
            for variation in range(1, self.context.variations)
        ]
        rows = torch.cat([plain, *varied])
        return Sums.of(rows, targets.repeat(1 + len(varied), 1), errors)

    def _described(
        self, experience: Experience, records: Sequence[Record], variation: int = 0
    ) -> Tensor:
        """Return the descriptors (N, D) of records of an experience, float64 on the CPU."""
        images = [record.image for record in records]
        columns = self.context.features.read(images, self.adapters.fusion.inputs, variation)
        self.adapters.fusion.fit(everything(columns))
        return self.descriptors(columns, experience.head).cpu().double()

    def _errors(self, experience: Experience, rows: Tensor, targets: Tensor) -> Tensor:
        """Return what each penalty costs (P,) on the experience's own held-out images."""
        spread = targets.var(dim=0, correction=0)
        nothing = _no_errors()
        if experience.validation:
            others = self._described(experience, experience.validation)
            wanted = _targets(self.adapters[experience.head], experience.validation)
            return held_out_errors(Sums.of(rows, targets, nothing), others, wanted, spread)
        held = held_out(experience.train, self.context.seed)
        if not bool(held.any()):
            return nothing
        sums = Sums.of(rows[~held], targets[~held], nothing)
        return held_out_errors(sums, rows[held], targets[held], spread)

    def _solve(self, name: str) -> None:
        """Set a head by the total of its sums; outputs are solved in the order of their names."""
        head, own = self.adapters[name], self.sums[name]
        order = sorted(range(head.n_outputs), key=head.outputs.__getitem__)
        total = added([own[key] for key in sorted(own)], head.n_outputs).having(order)
        if head.exclusive:
            solved = discriminants(total.output_counts, total.output_totals, total.outer)
        else:
            solved = ridge(total, _penalty(name, total))
        back = torch.tensor(order).argsort()
        head.take_fit(*(part[back] for part in solved))

    def _without(self, name: str, head: str) -> tuple[str, ...]:
        """Remove the sums of an experience; return the outputs that its head has without it."""
        own, outputs = self.sums[head], self.heads[head]
        gone = added([own.pop(name)], len(outputs))
        if not own:
            del self.sums[head]
            return ()
        kept = list(range(len(outputs)))
        if self.adapters[head].answers == "labels":
            left = added(list(own.values()), len(outputs)).output_counts
            kept = torch.nonzero((left > 0) | (gone.output_counts == 0)).flatten().tolist()
        for key, sums in own.items():
            own[key] = sums.having([place for place in kept if place < len(sums.outputs)])
        return tuple(outputs[place] for place in kept)


def _targets(head: Head, records: Sequence[Record]) -> Tensor:
    """Return the targets (N, O) of records, float64; of classes 1 for the right one, else 0."""
    targets = head.targets(records, head.outputs)
    return (F.one_hot(targets, head.n_outputs) if head.exclusive else targets).double()


def _penalty(head: str, total: Sums) -> float:
    place = cheapest(total.errors)
    penalty = PENALTIES[place]
    if is_at_edge(place):
        log.warning(
            "head '%s': the ridge penalty %g that held-out images choose lies at the edge of its "
            "grid (%g to %g); a better one may lie beyond",
            head, penalty, PENALTIES[0], PENALTIES[-1],
        )  # fmt: skip
    return penalty


def _no_errors() -> Tensor:
    return torch.zeros(len(PENALTIES), dtype=torch.float64)
