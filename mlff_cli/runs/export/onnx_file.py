"""A product as the bytes of an ONNX file."""

from mlff_cli.runs.export.graph import described, network_graph, with_limits, with_resizing
from mlff_cli.runs.export.product import ExportedProduct
from mlff_cli.runs.export.quantising import quantised
from mlff_cli.system.onnx_runtime import sealed


def onnx_file(exported: ExportedProduct, precision: str) -> bytes:
    """Return the bytes of the file.

    Args:
        exported: The product.
        precision: fp32, fp16 or int8: of the numbers that the backbone computes with.

    Raises:
        UserError: A package is missing.
    """
    card = exported.card(precision)
    graph = network_graph(exported.network(half=precision == "fp16"))
    if precision == "int8":
        images = [record.image for record in exported.records("train")]
        graph = quantised(graph, images, card.size)
    with_limits(graph, exported.limits)
    return sealed(described(with_resizing(graph, card.size), card))
