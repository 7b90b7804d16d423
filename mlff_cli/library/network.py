"""Everything from image to scores as one module of torch."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlff_cli.backbones.levels import sides
from mlff_cli.errors import UserError
from mlff_cli.images.loading import resized
from mlff_cli.library.guest import as_guest
from mlff_cli.library.opened import Opened
from mlff_cli.library.run import Run, open_run

if TYPE_CHECKING:
    from mlff_cli.runs.export.network import Inspection


class ImageToScores(nn.Module):
    """Images to the scores of one product: resizing, normalising, backbone, fusion and head.

    Attributes:
        outputs: What the scores (N, O) are of, in order.
        size: Height and width in pixels that images are brought to.
    """

    def __init__(
        self, inspection: "Inspection", outputs: tuple[str, ...], size: tuple[int, int]
    ) -> None:
        super().__init__()
        self.inspection = inspection
        self.outputs = outputs
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """Map RGB images (N, 3, H, W), uint8 or float from 0 to 1, to scores (N, O).

        uint8 is resized as in training, to the bit; float by torch, whose gradients reach it.
        """
        inspection = self.inspection
        maps = inspection.maps(self._prepared(images))
        scores: Tensor = inspection.head.scores(
            inspection.head(inspection.fusion(inspection.inputs(maps)))
        )
        return scores

    def _prepared(self, images: Tensor) -> Tensor:
        """Return images of the network's size with values from 0 to 255."""
        if images.dtype != torch.uint8 and not images.is_floating_point():
            raise TypeError(f"images are {images.dtype}; give uint8, or float from 0 to 1")
        if images.dim() != 4 or images.shape[1] != 3:
            raise ValueError(f"images have the shape {tuple(images.shape)}; give (N, 3, H, W)")
        fits = tuple(images.shape[2:]) == self.size
        if images.is_floating_point():
            here = (
                images
                if fits
                else F.interpolate(
                    images, self.size, mode="bicubic", antialias=True, align_corners=False
                ).clamp(0, 1)
            )
            return 255 * here
        if fits:
            return images
        pixels = images.permute(0, 2, 3, 1).cpu().numpy()
        return torch.stack([resized(image, self.size) for image in pixels]).to(images.device)


def load_network(run: Run | str | Path, product: str | None = None) -> ImageToScores:
    """Return a run's answer for one product as a module of its own, in eval mode, on the CPU.

    It holds weights of its own and needs nothing else of this program.

    Args:
        run: The run, or its folder.
        product: Which head answers; None: the only one.

    Raises:
        UserError: There is no such run or product, or several and none was named; or the run
            reads several images of each part.
    """
    from mlff_cli.runs.deciding import DecisionSettings, decision_of
    from mlff_cli.runs.export.network import Inspection

    with as_guest():
        deployed = Opened(open_run(run).folder).deployed((), {"trainer.device": "cpu"})
        if deployed.modalities:
            names = ", ".join(deployed.modalities)
            raise UserError(f"this run reads {names} of each part; predict() answers with it")
        chosen = deployed.product(product)
        method = deployed.method_of(chosen.head)
        decision = decision_of(deployed, chosen, DecisionSettings())
        inspection = Inspection(method, chosen.head, None, decision)
        size = sides(method.context.recipe.preprocessing.size)
        made = ImageToScores(inspection, chosen.outputs, size)
    return made.requires_grad_(False).eval()
