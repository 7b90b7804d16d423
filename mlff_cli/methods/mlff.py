"""Multi-Level Feature Fusion, arXiv 2601.00725: frozen backbone, fusion and new head train."""

import logging
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.features.columns import Columns, Whole, everything
from mlff_cli.features.pooling import mean_inputs
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.novelty import level_descriptor
from mlff_cli.heads.similarity import sketch
from mlff_cli.methods.base import Context, Journal, Remembered, State
from mlff_cli.methods.distillation import Before
from mlff_cli.methods.herding import herded
from mlff_cli.methods.on_features import TrainedOnFeatures
from mlff_cli.methods.rehearsal import Exemplars, Memory
from mlff_cli.methods.start import NEAREST, Products, are_of_products
from mlff_cli.methods.training import Part, Penalty, Taken
from mlff_cli.methods.training_features import TrainingFeatures
from mlff_cli.tasks.experience import Experience, Step
from mlff_cli.tasks.modalities import is_whole

log = logging.getLogger(__name__)


class MultiLevelFeatureFusion(TrainedOnFeatures):
    """The head's loss, and optionally one that holds the fused descriptor where it was.

    `distillation` weighs the mean squared error between the descriptor and what the fusion layer
    gave before this experience. Where each head has a fusion layer of its own there is nothing to
    hold: those of old products do not change.

    Where experiences share a head, `rehearsal` images per class of each are kept as features: the
    exemplars, chosen by herding, which make half of every later batch (Chaudhry et al. 2019,
    arXiv 1902.10486).

    Where each product has a fusion layer of its own, `start="nearest"` begins with the weights of
    the one whose product lies nearest; the constants are the new product's.
    """

    own_fusion = True

    def __init__(
        self,
        context: Context,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        dropout: float,
        distillation: float,
        rehearsal: int,
        start: str,
    ) -> None:
        super().__init__(
            context,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            dropout=dropout,
        )
        self.distillation = distillation
        self.rehearsal = rehearsal
        self.memory = Memory()
        self.start = start
        self.products = Products()

    def learn(self, step: Step, journal: Journal) -> None:
        """Train on the step, the fusion layer from where it starts."""
        (experience,) = step.experiences
        alone = self.adapters.own_fusion and experience.head == experience.name
        if self.start == NEAREST and alone:
            self._start_from_nearest(experience)
        super().learn(step, journal)

    def _start_from_nearest(self, experience: Experience) -> None:
        """Begin a new fusion layer with the weights of the product that is most like this one."""
        fusion = self.adapters.fusion_of(experience.head)
        features = self.context.features
        images = [record.image for record in experience.train]
        whole = [image for image in images if is_whole(image, features.modalities)]
        columns = features.read(whole or images, mean_inputs(features.levels))
        product = sketch(torch.cat([level_descriptor(part) for part in everything(columns)]))
        if found := self.products.nearest(product):
            name, distance = found
            fusion.load_state_dict(self.adapters.fusion_of(name).state_dict())
            fusion.fitted.fill_(False)
            log.info("'%s' starts from '%s', %.1f away", experience.name, name, distance)
        self.products.kept[experience.head] = product

    def penalty(self, fusion: FusionLayer) -> Penalty | None:
        """Return the pull towards the descriptor of before; a new fusion layer has no before."""
        if self.distillation == 0 or not bool(fusion.fitted):
            return None
        before = Before(fusion)

        def drift(descriptor: Tensor, taken: Sequence[Taken]) -> Tensor:
            return self.distillation * F.mse_loss(descriptor, before.of(taken))

        return drift

    def rehearsed(self, head: str) -> Sequence[Part]:
        """Return the exemplars of all that the head has learned."""
        return self.memory.parts(head, self.adapters[head], self.context.device.device)

    def exemplars(self, head: str, experience: str) -> Remembered | None:
        """Return the exemplars of an experience."""
        kept = self.memory.kept.get(head, {}).get(experience)
        if kept is None:
            return None
        columns = Columns(Whole(kept.variations[0]))
        return Remembered(columns, self.descriptors(columns, head), kept.targets)

    def keep(self, step: Step, features: Mapping[str, TrainingFeatures]) -> None:
        """Keep exemplars of an experience whose head others read as well."""
        (experience,) = step.experiences  # whose images are all that the features are of
        if not self.rehearsal or experience.head == experience.name:
            return
        records, head = experience.train, self.adapters[experience.head]
        seen = self.descriptors(features[experience.head].plain, experience.head)
        exemplars = Exemplars.of(
            records,
            herded(seen, records, self.rehearsal, head),
            head,
            variations=features[experience.head].stored,
            inputs=self.adapters.fusion.inputs,
        )
        self.memory.add(experience.head, experience.name, exemplars)

    def kept(self) -> Mapping[str, Tensor]:
        """Return exemplars, and what tells products apart."""
        return self.memory.tensors() | self.products.tensors()

    def load(self, state: State) -> None:
        """Take what was learned, and what was kept to learn on.

        Raises:
            RuntimeError: The tensors do not fit.
        """
        super().load(state)
        own = {key: part for key, part in state.kept.items() if are_of_products(key)}
        self.products.load(own)
        self.memory.load({key: part for key, part in state.kept.items() if key not in own})
