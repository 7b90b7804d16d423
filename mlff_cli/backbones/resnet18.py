"""ResNet-18 with torchvision's ImageNet weights (IMAGENET1K_V1)."""

from pathlib import Path

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.backbones.torchvision_weights import fetched


class ResNet18(BackboneRecipe):
    """Residual network of 18 layers; torchvision's tensors bear the names that timm gives them."""

    model = "resnet18"

    def pretrained_file(self) -> Path:
        """Return torchvision's weight file."""
        return fetched("https://download.pytorch.org/models/resnet18-f37072fd.pth")
