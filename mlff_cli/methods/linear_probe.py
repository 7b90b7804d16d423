"""Linear probe: the deepest level of the frozen backbone, one linear head per experience."""

from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.tasks.experience import Experience


class LinearProbe(FrozenMethod):
    """Only the head trains; with `fusion=deepest` nothing else could."""

    trains_fusion = False

    def learn(self, experience: Experience) -> None:
        """Train the head."""
        self.train_adapters(experience)
