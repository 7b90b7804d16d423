"""Linear probe: the deepest level of the frozen backbone, one linear head per experience."""

from mlff_cli.methods.base import Context
from mlff_cli.methods.fitting import Optimisation
from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.schedules.experience import Experience


class LinearProbe(FrozenMethod):
    """Only the head trains; with `fusion=deepest` nothing else could."""

    def __init__(
        self,
        context: Context,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        super().__init__(context, Optimisation(epochs, batch_size, learning_rate, weight_decay))
        self.adapters.fusion.requires_grad_(False)

    def learn(self, experience: Experience) -> None:
        """Train the head."""
        self.train_adapters(experience)
