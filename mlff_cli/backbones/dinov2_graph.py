"""The weights of a DINOv2 inside an ONNX file, under timm's names."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlff_cli.errors import UserError
from mlff_cli.system.extras import extra_module
from mlff_cli.system.onnx_runtime import EXTRA

PREFIX = "backbone."
"""Of the names in the graph, which are those of Hugging Face's transformers behind it."""

NAMES = {
    "embeddings.cls_token": "cls_token",
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "encoder.layer": "blocks",
    "layernorm": "norm",
    "attention.output.dense": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
}
"""Parts of a name in transformers, and in timm."""

JOINED = ("query", "key", "value")
"""Three layers in transformers that timm has as one, `qkv`, in this order."""


def weights_of_graph(file: Path) -> dict[str, Tensor]:
    """Return the tensors under timm's names.

    Biases and the like bear their names in the graph. A layer's weight has lost its own: it stands
    transposed in the product whose sum with the layer's bias follows. Of the embedding of positions
    that of the first token stands apart.

    Raises:
        UserError: The file cannot be read, or holds another network.
    """
    given, products = _parts(file)
    named = {name: given[name] for name in given if name.startswith(PREFIX)}
    for bias, weight in products:
        named[bias.removesuffix("bias") + "weight"] = given[weight].T.contiguous()
    others = [given[name] for name in given if name not in named and given[name].dim() == 3]
    try:
        weights = _of_timm({name.removeprefix(PREFIX): named[name] for name in named})
        first, places = sorted(others, key=_length)
    except (KeyError, ValueError) as error:
        raise UserError(f"{file}: no graph of a DINOv2 ({error} is not as expected)") from error
    return weights | {"pos_embed": torch.cat([first, places], dim=1)}


def _length(positions: Tensor) -> int:
    return positions.shape[1]


def _parts(file: Path) -> tuple[dict[str, Tensor], list[tuple[str, str]]]:
    """Return the tensors of a graph, and of each linear layer the names of bias and weight."""
    onnx = extra_module("onnx", EXTRA)
    try:
        graph = onnx.load_model_from_string(file.read_bytes()).graph
        tensors = {
            item.name: torch.from_numpy(onnx.numpy_helper.to_array(item).copy())
            for item in graph.initializer
        }
    except Exception as error:  # of protobuf, one type for each of its builds
        raise UserError(f"{file}: cannot be read as an ONNX file ({error})") from error
    return tensors, list(_products(graph.node, tensors))


def _products(nodes: Iterable[Any], tensors: Mapping[str, Tensor]) -> Iterable[tuple[str, str]]:
    """Yield the names of bias and weight of each product with a weight and a sum behind it."""
    weights: dict[str, str] = {}
    for node in nodes:
        if node.op_type == "MatMul" and node.input[1] in tensors:
            weights[node.output[0]] = node.input[1]
        elif node.op_type == "Add":
            summed = [name for name in node.input if name in weights]
            biases = [name for name in node.input if name in tensors]
            yield from zip(biases, (weights[name] for name in summed), strict=False)


def _of_timm(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under timm's names; those of queries, keys and values become one."""
    given = dict(named)
    for query in [name for name in named if ".attention.attention.query." in name]:
        three = [given.pop(query.replace(".query.", f".{part}.")) for part in JOINED]
        given[query.replace("attention.attention.query", "attn.qkv")] = torch.cat(three)
    return {_name(name): tensor for name, tensor in given.items()}


def _name(name: str) -> str:
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return name
