"""From a module to an ONNX graph of any number of images."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from mlff_cli.system.extras import extra_module
from mlff_cli.system.onnx_runtime import EXTRA, loaded

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRACED, TRIED = 7, 3
"""Images that a graph is traced with, and how many it must answer as well."""


def onnx_graph(
    module: nn.Module,
    size: tuple[int, int],
    others: Sequence[Tensor] = (),
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    opset: int,
    fixed_first: bool = True,
) -> Any:
    """Return the graph (an `onnx.ModelProto`) of uint8 images (B, 3, H, W) of one size.

    Args:
        module: Maps images, and what else it is given, to tensors (B, ...).
        size: Height and width.
        others: What it is given behind the images: tensors of fixed shape.
        inputs: Names, the images' first.
        outputs: Names of what it returns, in order.
        opset: Version of ONNX's operators.
        fixed_first: Trace with a fixed number of images, which takes half the time, and with any
            where that number cannot be taken out of the graph again.

    Raises:
        UserError: What writes or runs graphs is missing.
        Exception: One of many types of torch's exporter: the module cannot be written as a graph.
    """
    for needed in ("onnx", "onnxscript"):
        extra_module(needed, EXTRA)
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (TRACED, 3, *size), dtype=torch.uint8, generator=draw)
    given = (images, *others)
    names = {"input_names": list(inputs), "output_names": list(outputs), "opset_version": opset}
    if fixed_first:
        graph = _with_any_number(_exported(module, given, None, names), inputs[0])
        if _answers(graph, module, (images[:TRIED], *others), names):
            return graph
    batch = ({0: torch.export.Dim("batch")}, *(None for _ in others))
    return _exported(module, given, batch, names)


def _exported(module: nn.Module, given: tuple[Tensor, ...], batch: Any, names: Any) -> Any:
    """Return what torch's exporter makes; what it draws at random changes nothing elsewhere."""
    with warnings.catch_warnings(), torch.no_grad(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # of torch's exporter about torch itself
        program = torch.onnx.export(
            module, given, dynamo=True, dynamic_shapes=batch, verbose=False, **names
        )
    assert program is not None
    return program.model_proto


def _with_any_number(graph: Any, images: str) -> Any:
    """Say of a graph that was traced with a fixed number of images that it takes any."""
    from onnx import numpy_helper

    part = graph.graph
    shapes = {
        value.name: [side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in (*part.value_info, *part.output)
    }
    del part.value_info[:]  # they hold the number too
    constants = {item.name: item for item in part.initializer}
    for node in part.node:
        if node.op_type not in ("Reshape", "Expand") or node.input[1] not in constants:
            continue
        given = constants[node.input[1]]
        first, *others = shapes.get(node.output[0]) or [0]
        expanded = node.op_type == "Expand"
        if (
            not first
            or first % TRACED
            or (expanded and shapes.get(node.input[0], [])[:1] != [first])
        ):
            continue
        # To expand: as many as come in. To reshape: as many as are left, also where all places of
        # all images are counted as one.
        opened = np.array([1 if expanded else -1, *others], np.int64)
        own = part.initializer.add()  # another node may read the same numbers for what they are
        own.CopyFrom(numpy_helper.from_array(opened, f"{given.name}/{node.name}"))
        node.input[1] = own.name
    _repeat_rows(part, images)
    used = {name for node in part.node for name in node.input}
    for item in [item for item in constants.values() if item.name not in used]:
        part.initializer.remove(item)
    for value in (*(item for item in part.input if item.name == images), *part.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return graph


def _repeat_rows(part: Any, images: str) -> None:
    """Repeat for each image what torch's exporter wrote down once for each that it traced.

    A transformer's class token is such a row: what is joined to the places of an image.
    """
    from onnx import helper, numpy_helper

    written = {
        item.name: numpy_helper.to_array(item)
        for item in part.initializer
        if item.dims[:1] == [TRACED]
    }
    joined = {
        name: written[name]
        for node in part.node
        if node.op_type == "Concat"
        for name in node.input
        if name in written and (written[name] == written[name][:1]).all()
    }
    if not joined:
        return
    count = "number_of_images"
    nodes = [helper.make_node("Shape", [images], [count], start=0, end=1)]
    for name, rows in joined.items():
        row, others, shape = (f"{name}/{end}" for end in ("row", "others", "shape"))
        sides = np.array(rows.shape[1:], np.int64)
        part.initializer.append(numpy_helper.from_array(rows[:1], row))
        part.initializer.append(numpy_helper.from_array(sides, others))
        nodes.append(helper.make_node("Concat", [count, others], [shape], axis=0))
        nodes.append(helper.make_node("Expand", [row, shape], [f"{name}/all"]))
    for node in part.node:
        if node.op_type == "Concat":
            node.input[:] = [f"{name}/all" if name in joined else name for name in node.input]
    nodes += part.node
    del part.node[:]
    part.node.extend(nodes)


def _answers(graph: Any, module: nn.Module, given: tuple[Tensor, ...], names: Any) -> bool:
    """Return whether a graph says of another number of images what the module does."""
    with torch.inference_mode():
        expected = module(*given)
    feeds = dict(zip(names["input_names"], (item.numpy() for item in given), strict=True))
    quiet = extra_module("onnxruntime", EXTRA).RunOptions()
    quiet.log_severity_level = 4  # that a shape does not fit is what is asked for here
    try:
        session = loaded(graph.SerializeToString(), "the graph")
        used = {item.name for item in session.get_inputs()}  # what has no part in it has gone
        found = session.run(names["output_names"], {name: feeds[name] for name in used}, quiet)
    except Exception:  # ONNX Runtime has a type of its own for everything, without a common one
        return False
    pairs = zip(found, (other.numpy() for other in expected), strict=True)
    return all(one.shape == other.shape and _close(one, other) for one, other in pairs)


def _close(one: "NDArray[Any]", other: "NDArray[Any]") -> bool:
    """Return whether two outputs are the same but for rounding, that of 16 bits included."""
    alike = np.isclose(one.astype(float), other.astype(float), rtol=0.05, atol=0.05, equal_nan=True)
    return bool(alike.all())
