"""``mlff export``: a product of a finished run as one file that answers without this program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.runs.export.onnx_file import onnx_file
from mlff_cli.runs.export.product import exported_product
from mlff_cli.runs.export.session import Session
from mlff_cli.system.files import write_atomically
from mlff_cli.system.logs import logging_to


def run(config: Mapping[str, Any]) -> int:
    """Write the file, if it says of the validation images what the run says."""
    output, precision = _output(config["output"]), config["precision"]
    with logging_to(None):
        exported = exported_product(config)
        print(f"'{exported.product.name}': held against {len(exported.validation)} images")
        content = onnx_file(exported, precision)
        comparison = exported.compared(Session(content, str(output)))
    if refusal := comparison.refusal(None if precision == "fp32" else config["max_drop"]):
        raise UserError(f"{output} is not written: {refusal}")
    write_atomically(output, content)
    print(comparison.sentence)
    print(f"{output} ({precision}, {len(content) / 1e6:.1f} MB)")
    return 0


def _output(text: str) -> Path:
    """Return the file that is asked for.

    Raises:
        UserError: It does not end as such files do.
    """
    path = Path(text).expanduser()
    if path.suffix.lower() != ".onnx":
        raise UserError(f"output={text}: give a file that ends in .onnx")
    return path
