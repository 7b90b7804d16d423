"""The tensors of an ONNX file under timm's names, from a small graph made here."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from mlff_cli.backbones.dinov2_graph import weights_of_graph
from mlff_cli.errors import UserError

WIDTH, DEPTH, SIDE = 4, 2, 3
RANDOM = np.random.default_rng(0)


def drawn(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def layer(number):
    """Return the tensors of one block: those with a name, and the linear layers' weights."""
    block = f"backbone.encoder.layer.{number}."
    attention = f"{block}attention.attention."
    linear = {f"{attention}{part}": (WIDTH, WIDTH) for part in ("key", "value", "query")}
    linear |= {f"{block}attention.output.dense": (WIDTH, WIDTH)}
    linear |= {f"{block}mlp.fc1": (8, WIDTH), f"{block}mlp.fc2": (WIDTH, 8)}
    named = {f"{block}{name}": drawn(WIDTH) for name in (
        "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "layer_scale1.lambda1",
        "layer_scale2.lambda1")}  # fmt: skip
    named |= {f"{name}.bias": drawn(shape[0]) for name, shape in linear.items()}
    return named, {name: drawn(*shape) for name, shape in linear.items()}


def parts():
    named = {
        "backbone.embeddings.cls_token": drawn(1, 1, WIDTH),
        "backbone.embeddings.patch_embeddings.projection.weight": drawn(WIDTH, 3, 2, 2),
        "backbone.embeddings.patch_embeddings.projection.bias": drawn(WIDTH),
        "backbone.layernorm.weight": drawn(WIDTH),
        "backbone.layernorm.bias": drawn(WIDTH),
        "decoder.final_conv.bias": drawn(1),
        "onnx::Reshape_2": drawn(1, SIDE * SIDE, WIDTH),
        "onnx::Concat_1": drawn(1, 1, WIDTH),
    }
    linear = {}
    for number in range(DEPTH):
        one, other = layer(number)
        named |= one
        linear |= other
    return named, linear


def written(file, named, linear, *, bias_first=False):
    """Write a graph in which each linear layer is a product and a sum."""
    nodes, tensors = [], dict(named)
    for place, (name, weight) in enumerate(linear.items()):
        tensors[f"onnx::MatMul_{place}"] = weight.T
        nodes.append(helper.make_node("MatMul", ["x", f"onnx::MatMul_{place}"], [f"p{place}"]))
        summed = [f"{name}.bias", f"p{place}"]
        nodes.append(helper.make_node("Add", summed if bias_first else summed[::-1], [f"s{place}"]))
    nodes.append(helper.make_node("MatMul", ["s0", "s1"], ["scores"]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, WIDTH])
    y = helper.make_tensor_value_info("s0", TensorProto.FLOAT, None)
    initial = [numpy_helper.from_array(value.copy(), name) for name, value in tensors.items()]
    onnx.save(helper.make_model(helper.make_graph(nodes, "graph", [x], [y], initial)), file)
    return file


@pytest.mark.parametrize("bias_first", [False, True])
def test_every_tensor_gets_its_place(bias_first, tmp_path):
    named, linear = parts()
    file = written(tmp_path / "graph.onnx", named, linear, bias_first=bias_first)
    found = weights_of_graph(file)
    block = "backbone.encoder.layer.1."
    three = ("query", "key", "value")
    attention = [f"{block}attention.attention.{part}" for part in three]
    expected = {
        "cls_token": named["backbone.embeddings.cls_token"],
        "pos_embed": np.concatenate([named["onnx::Concat_1"], named["onnx::Reshape_2"]], axis=1),
        "patch_embed.proj.weight": named["backbone.embeddings.patch_embeddings.projection.weight"],
        "norm.bias": named["backbone.layernorm.bias"],
        "blocks.1.attn.qkv.weight": np.concatenate([linear[name] for name in attention]),
        "blocks.1.attn.qkv.bias": np.concatenate([named[f"{name}.bias"] for name in attention]),
        "blocks.1.attn.proj.weight": linear[f"{block}attention.output.dense"],
        "blocks.1.mlp.fc1.weight": linear[f"{block}mlp.fc1"],
        "blocks.1.mlp.fc2.bias": named[f"{block}mlp.fc2.bias"],
        "blocks.1.ls2.gamma": named[f"{block}layer_scale2.lambda1"],
        "blocks.1.norm1.weight": named[f"{block}norm1.weight"],
    }
    for name, value in expected.items():
        assert torch.equal(found[name], torch.from_numpy(value)), name
    assert len(found) == 6 + 14 * DEPTH, "nothing of the decoder"


def without(which):
    named, linear = parts()
    if which == "positions":
        del named["onnx::Reshape_2"]
    elif which == "key":
        del named["backbone.encoder.layer.0.attention.attention.key.bias"]
        del linear["backbone.encoder.layer.0.attention.attention.key"]
    return named, linear


@pytest.mark.parametrize("which", ["positions", "key"])
def test_another_network_is_refused(which, tmp_path):
    file = written(tmp_path / "other.onnx", *without(which))
    with pytest.raises(UserError, match=r"other\.onnx: no graph of a DINOv2"):
        weights_of_graph(file)


@pytest.mark.parametrize("content", [b"no graph", b"\x08"])
def test_a_damaged_file_is_named(content, tmp_path):
    file = tmp_path / "damaged.onnx"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"damaged\.onnx"):
        weights_of_graph(file)
