"""Training and scoring on a frozen backbone's features: they lie on the device, whole."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import lru_cache, partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlff_cli.fusion.base import FusionLayer
from mlff_cli.methods.adapters import Adapters
from mlff_cli.methods.base import Context, Method
from mlff_cli.methods.optimiser import Optimisation
from mlff_cli.methods.training import fit, threads
from mlff_cli.methods.training_features import FeatureTable, TrainingFeatures
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import Record

ROWS_AT_ONCE = 4096
"""Rows per pass where nothing trains: bounds memory, changes no number."""


class FrozenMethod(Method):
    """A method whose backbone never changes: features are read, fusion and heads train."""

    trains_fusion = True

    def __init__(
        self,
        context: Context,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        self.context = context
        self.optimisation = Optimisation(epochs, batch_size, learning_rate, weight_decay)
        # Asked first: where nothing is kept of the backbone, building it draws random numbers.
        levels = context.features.facts.levels
        torch.manual_seed(context.seed)
        fusion = context.fusion(levels).requires_grad_(self.trains_fusion)
        self.adapters = Adapters(fusion, context.head).to(context.device.device).eval()

    def trained(self) -> Sequence[nn.Module]:
        """Fusion layer and heads."""
        return [self.adapters]

    def prepare(self, records: Sequence[Record]) -> None:
        """Compute the plain features that are not stored yet."""
        self.context.features.ensure(records, self.adapters.fusion.inputs)

    def outputs(self, head: str, records: Sequence[Record]) -> Tensor:
        """Return the head's scores (N, O) on the CPU."""
        columns = self.context.features.read(records, self.adapters.fusion.inputs)
        device = self.context.device
        parts = []
        with torch.inference_mode(), device.autocast(), threads(1):
            for start in range(0, len(records), ROWS_AT_ONCE):
                rows = [c[start : start + ROWS_AT_ONCE].to(device.device) for c in columns]
                parts.append(self.adapters[head].scores(self.adapters(rows, head)).cpu())
        return torch.cat(parts)

    def training_features(self, experiences: Sequence[Experience]) -> TrainingFeatures:
        """Return the features of the training images of experiences, one after another."""
        return TrainingFeatures(
            self.context,
            [record for experience in experiences for record in experience.train],
            self.adapters.fusion.inputs,
            lambda epoch: self._number(experiences[-1], epoch),
        )

    def set_constants(
        self, experience: Experience, features: FeatureTable, targets: Tensor
    ) -> None:
        """Take what is never trained from the first experience that a part meets."""
        if experience.index == 1:
            self.adapters.fusion.fit(features[:])
        if self.head_is_new:
            self.adapters[experience.head].fit(targets)

    def train_adapters(
        self, experience: Experience, previous: FusionLayer | None = None, weight: float = 0.0
    ) -> None:
        """Train fusion layer and head; `weight` holds the descriptor near the `previous` one."""
        head = self.adapters[experience.head]
        features = self.training_features([experience])
        targets = head.targets(experience.train, experience.outputs).to(self.context.device.device)
        self.set_constants(experience, features.plain, targets)
        before: Callable[[FeatureTable], Tensor] | None = None
        if previous is not None:
            # Once for each variation of the images, and not in every epoch.
            kept = lru_cache(max(1, self.context.views))
            before = kept(partial(_descriptors, deepcopy(previous).eval()))

        def loss(positions: Tensor, epoch: int) -> Tensor:
            table = features.of(epoch)
            descriptor = self.adapters.fusion(table[positions])
            outputs = head(self.adapters.fusion.dropout(descriptor))
            value = head.loss(outputs, targets[positions])
            if before is not None:
                value = value + weight * F.mse_loss(descriptor, before(table)[positions])
            return value

        fit(
            [self.adapters.fusion, head],
            loss,
            count=len(experience.train),
            settings=self.optimisation,
            seed_of=lambda epoch: self._number(experience, epoch),
            device=self.context.device,
            journal=self.context.journal,
            title=f"{experience.index} {experience.name}",
            small=True,
        )


@torch.no_grad()
def _descriptors(fusion: FusionLayer, table: FeatureTable) -> Tensor:
    """Return the descriptors (N, D) of everything in a table."""
    starts = range(0, len(table.rows), ROWS_AT_ONCE)
    return torch.cat([fusion(table[start : start + ROWS_AT_ONCE]) for start in starts])
