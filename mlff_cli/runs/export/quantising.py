"""A graph whose backbone computes with whole numbers of eight bits."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlff_cli.backbones.levels import Size
from mlff_cli.images.loading import image_batches
from mlff_cli.runs.export.graph import RESIZED
from mlff_cli.runs.export.session import NOVELTY, THRESHOLD
from mlff_cli.system.extras import extra_module
from mlff_cli.system.onnx_runtime import EXTRA
from mlff_cli.tasks.record import ImageSource

IMAGES = 200
"""Training images that ranges of numbers are taken from at most, evenly thinned."""

WHOLE_NUMBERS = ("Conv", "Clip", "Relu", "MatMul", "Gemm")
"""Operators of the backbone that compute with whole numbers.

What cuts off a convolution's result belongs to them: else its range would hold what is cut off.
"""

SCOPES = "pkg.torch.onnx.name_scopes"
"""Where torch notes which module a node comes from."""


def quantised(graph: Any, images: Sequence[ImageSource], size: Size) -> Any:
    """Return a network's graph with a quantised backbone: static, per channel, QDQ.

    Args:
        graph: As from `graph.network_graph`.
        images: Training images; ranges are taken from some of them.
        size: Of the images that the network sees.
    """
    quantization = extra_module("onnxruntime.quantization", EXTRA)
    onnx = extra_module("onnx", EXTRA)
    sample = images[:: -(-len(images) // IMAGES)]
    with TemporaryDirectory(prefix="mlff-export-") as folder, _quiet():
        given, made = Path(folder, "given.onnx"), Path(folder, "made.onnx")
        onnx.save(graph, given)
        quantization.quantize_static(
            given,
            made,
            _Reader(image_batches(sample, size, 1, 0)),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_quantize=_of_backbone(graph),
        )
        return onnx.load(made)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence advice to prepare a graph, which torch's exporter has prepared."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _of_backbone(graph: Any) -> list[str]:
    return [
        node.name
        for node in graph.graph.node
        if node.op_type in WHOLE_NUMBERS
        and any(p.key == SCOPES and "'backbone'" in p.value for p in node.metadata_props)
    ]


class _Reader:
    """Gives images as ONNX Runtime's calibration asks for them."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches

    def get_next(self) -> Mapping[str, NDArray[Any]] | None:
        """Return the inputs of the next pass; None after the last."""
        batch = next(self._batches, None)
        limits = {THRESHOLD: np.array(0.5, np.float64), NOVELTY: np.array(0.5, np.float32)}
        return None if batch is None else {RESIZED: batch.numpy()} | limits
