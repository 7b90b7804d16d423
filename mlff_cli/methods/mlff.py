"""Multi-Level Feature Fusion, arXiv 2601.00725: frozen backbone, fusion and new head train."""

from mlff_cli.methods.base import Context
from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.tasks.experience import Experience


class MultiLevelFeatureFusion(FrozenMethod):
    """The head's loss, and optionally one that holds the fused descriptor where it was.

    `distillation` weighs the mean squared error between the descriptor and what the fusion layer
    gave before this experience.
    """

    def __init__(
        self,
        context: Context,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        distillation: float,
    ) -> None:
        super().__init__(
            context,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
        )
        self.distillation = distillation

    def learn(self, experience: Experience) -> None:
        """Train on the experience; the first one has nothing to stay near."""
        stay = self.distillation > 0 and experience.index > 1
        previous = self.adapters.fusion if stay else None
        self.train_adapters(experience, previous, self.distillation)
