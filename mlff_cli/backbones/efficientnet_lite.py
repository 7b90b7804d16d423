"""What the EfficientNets without squeeze-and-excitation have in common."""

from pathlib import Path
from typing import Any

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.backbones.same_order import renamed


class EfficientNetLite(BackboneRecipe):
    """Weights of Google's, converted by a Python package of their own (Apache-2.0)."""

    # These weights were trained on images scaled to [-1, 1]; ImageNet's mean would be wrong.
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def state(self, file: Path) -> dict[str, Any]:
        """Rename the package's tensors to timm's: both list the same ones in the same order."""
        return renamed(self.model, super().state(file), file)
