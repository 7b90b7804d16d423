"""From the modules of a run to the bytes of one ONNX graph."""

from collections.abc import Mapping
from typing import Any

import torch

from mlff_cli.backbones.levels import sides
from mlff_cli.runs.export.card import KEY, Card
from mlff_cli.runs.export.network import Inspection
from mlff_cli.runs.export.resizing import OPSET, resizing
from mlff_cli.runs.export.session import NOVELTY, THRESHOLD, Said
from mlff_cli.system.extras import extra_module
from mlff_cli.system.onnx_runtime import EXTRA
from mlff_cli.system.onnx_writing import onnx_graph

RESIZED = "resized"


def network_graph(inspection: Inspection) -> Any:
    """Return the graph (an `onnx.ModelProto`) of uint8 images (B, 3, H, W) of the network's size.

    Raises:
        UserError: What writes graphs is missing.
    """
    return onnx_graph(
        inspection,
        sides(inspection.backbone.preprocessing.size),
        (torch.tensor(0.5, dtype=torch.float64), torch.tensor(0.5)),
        inputs=[RESIZED, THRESHOLD, NOVELTY],
        outputs=Said._fields,
        opset=OPSET,
        # A processor takes ten seconds to say what a network in half precision does.
        fixed_first=inspection.dtype == torch.float32,
    )


def with_resizing(graph: Any, size: tuple[int, int]) -> Any:
    """Return a graph that takes uint8 images (B, H, W, 3) of any size."""
    compose = extra_module("onnx.compose", EXTRA)
    before = compose.add_prefix(resizing(size), "resizing/", rename_inputs=False)
    (resized,) = before.graph.output
    return compose.merge_models(before, graph, io_map=[(resized.name, RESIZED)])


def with_limits(graph: Any, limits: Mapping[str, float | None]) -> None:
    """Write the numbers that decide into a graph; whoever runs it may give others instead.

    Those that are None have no part in it and go.
    """
    onnx = extra_module("onnx", EXTRA)
    for item in [item for item in graph.graph.input if item.name in limits]:
        value = limits[item.name]
        if value is None:
            graph.graph.input.remove(item)
        else:
            kind = item.type.tensor_type.elem_type
            graph.graph.initializer.append(onnx.helper.make_tensor(item.name, kind, [], [value]))


def described(graph: Any, card: Card) -> bytes:
    """Return the bytes of a graph with its card; torch's notes on where nodes come from go."""
    onnx = extra_module("onnx", EXTRA)
    for part in (graph.graph.node, graph.graph.input, graph.graph.output, graph.graph.value_info):
        for item in part:
            del item.metadata_props[:]
    graph.producer_name, graph.producer_version = "mlff", card.version
    onnx.helper.set_model_props(graph, {KEY: card.text})
    content: bytes = graph.SerializeToString()
    return content
