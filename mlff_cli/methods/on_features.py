"""Methods that train on a frozen backbone's features by gradient descent."""

from collections.abc import Mapping, Sequence
from functools import partial

import torch

from mlff_cli.features.columns import everything
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.methods.base import Context, Journal
from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.methods.training import Part, Penalty, Settings, train
from mlff_cli.methods.training_features import TrainingFeatures
from mlff_cli.tasks.experience import Step
from mlff_cli.tasks.record import Record


class TrainedOnFeatures(FrozenMethod):
    """Fusion layer and the heads of a step train together."""

    def __init__(
        self,
        context: Context,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        dropout: float,
    ) -> None:
        super().__init__(context)
        self.settings = Settings(epochs, batch_size, learning_rate, weight_decay, dropout)

    def learn(self, step: Step, journal: Journal) -> None:
        """Train on the step: a batch holds images of all its experiences."""
        by_head: dict[str, list[Record]] = {}
        for experience in step.experiences:
            by_head.setdefault(experience.head, []).extend(experience.train)
        # Several heads learn at once only where all of them read the same fusion layer.
        fusion = self.adapters.fusion_of(step.experiences[0].head)
        make = partial(self._features, step, share=1 / len(by_head))
        features = {name: make(records) for name, records in by_head.items()}
        plain = [by_epoch.plain for by_epoch in features.values()]
        parts = {name: self._part(name, by_head[name], features[name]) for name in by_head}
        rehearsed = {name: self.rehearsed(name) for name in by_head}
        for name, old in rehearsed.items():
            if old:
                shares = parts[name].targets, torch.cat([part.targets for part in old])
                parts[name].head.weigh(*shares)
        penalty = self.penalty(fusion)  # asked while a new layer can be told by what it lacks
        fusion.fit(everything(*plain))
        train(
            fusion,
            list(parts.values()),
            self.settings,
            device=self.context.device,
            journal=journal,
            seed_of=partial(self.seed_of, step.index),
            title=f"{step.index} {step.name}",
            penalty=penalty,
            rehearsed=[part for old in rehearsed.values() for part in old],
            threads=1,  # more are slower for layers this small, and would change the result
        )
        self.keep(step, features)

    def penalty(self, fusion: FusionLayer) -> Penalty | None:
        """Return what is added to the loss of the heads; none, unless a method says so.

        `fusion` is about to train, and is `fitted` where it has trained before.
        """
        return None

    def rehearsed(self, head: str) -> Sequence[Part]:
        """Return what the head of that name learned before and learns again beside the new."""
        return ()

    def keep(self, step: Step, features: Mapping[str, TrainingFeatures]) -> None:
        """Keep what is rehearsed later of a step and the features of its heads' images."""

    def _features(self, step: Step, records: Sequence[Record], share: float) -> TrainingFeatures:
        images, seed_of = [record.image for record in records], partial(self.seed_of, step.index)
        inputs = self.adapters.fusion.inputs
        return TrainingFeatures(self.context, images, inputs, seed_of, share=share)

    def _part(self, name: str, records: Sequence[Record], features: TrainingFeatures) -> Part:
        """Return what a head learns from; its constants are taken from the first that it meets."""
        head = self.adapters[name]
        targets = head.targets(records, head.outputs).to(self.context.device.device)
        head.fit(targets)
        return Part(head, features, targets)
