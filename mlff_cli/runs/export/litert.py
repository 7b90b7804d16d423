"""A product as a LiteRT (TensorFlow Lite) file: one image of the network's own size at a time."""

from copy import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch._inductor.constant_folding import constant_fold

from mlff_cli.errors import UserError
from mlff_cli.images.loading import resized
from mlff_cli.runs.export.network import Inspection
from mlff_cli.runs.export.product import ExportedProduct
from mlff_cli.runs.export.session import NEVER, NOVELTY, THRESHOLD, Said
from mlff_cli.system.extras import extra_module

EXTRA = "litert"


class OneImage(nn.Module):
    """A product's network for one uint8 image (1, height, width, 3), its limits fixed."""

    threshold: Tensor
    novelty_limit: Tensor

    def __init__(self, inspection: Inspection, limits: dict[str, float | None]) -> None:
        super().__init__()
        self.inspection = inspection
        self.inspection.decision = copy(inspection.decision)
        self.inspection.decision.dtype = torch.float32  # LiteRT has hardly any operator for more
        threshold, novelty = limits[THRESHOLD], limits[NOVELTY]
        self.register_buffer("threshold", torch.tensor(threshold or 0.0, dtype=torch.float32))
        self.register_buffer("novelty_limit", torch.tensor(novelty or NEVER))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what `session.Said` holds."""
        planes = image.permute(0, 3, 1, 2)
        said: tuple[Tensor, Tensor, Tensor, Tensor] = self.inspection(
            planes, self.threshold, self.novelty_limit
        )
        return said


def litert_file(exported: ExportedProduct, precision: str) -> bytes:
    """Return the bytes of the file.

    Raises:
        UserError: The extra is missing, or another precision than fp32 is asked for.
    """
    if precision != "fp32":
        raise UserError(f"precision={precision}: a LiteRT file is fp32; give format=onnx for it")
    converter = extra_module("litert_torch", EXTRA)
    size = exported.card(precision).size
    module = OneImage(exported.network(), exported.limits)
    with TemporaryDirectory(prefix="mlff-export-") as folder, torch.no_grad():
        file = Path(folder, "made.tflite")
        converter.convert(folded(module, size), _sample(size)).export(str(file))
        return file.read_bytes()


def folded(module: OneImage, size: tuple[int, int]) -> Any:
    """Return a module as a graph in which what depends on no image is worked out.

    The matrices that interpolate begin with `torch.eye`, for which LiteRT has no operator.
    """
    graph: Any = torch.export.export(module.eval(), _sample(size)).module()
    for number, node in enumerate(list(graph.graph.nodes)):
        if node.target is torch.ops.aten.eye.default:
            graph.register_buffer(f"identity_{number}", node.target(*node.args))
            with graph.graph.inserting_before(node):
                node.replace_all_uses_with(graph.graph.get_attr(f"identity_{number}"))
            graph.graph.erase_node(node)
    constant_fold(graph)
    return graph


def _sample(size: tuple[int, int]) -> tuple[Tensor]:
    return (torch.zeros(1, *size, 3, dtype=torch.uint8),)


class LitertSession:
    """A LiteRT file, ready to answer; images are brought to its size as mlff does it."""

    def __init__(self, content: bytes) -> None:
        runtime = extra_module("ai_edge_litert.interpreter", EXTRA)
        self._interpreter: Any = runtime.Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()

    def __call__(self, images: NDArray[np.uint8]) -> Said:
        """Answer for an image (1, H, W, 3) of any size."""
        _, height, width, _ = self._input["shape"]
        planes = resized(images[0], (int(height), int(width))).numpy()
        image = np.ascontiguousarray(planes.transpose(1, 2, 0))[None]
        self._interpreter.set_tensor(self._input["index"], image)
        self._interpreter.invoke()
        return Said(*(self._interpreter.get_tensor(item["index"]) for item in self._outputs))
