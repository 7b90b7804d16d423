"""``mlff export``: a product of a finished run as one file that answers without this program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.runs.export.gate import Answer
from mlff_cli.runs.export.product import ExportedProduct, exported_product
from mlff_cli.system.files import write_atomically
from mlff_cli.system.logs import logging_to

SUFFIXES = {"onnx": ".onnx", "litert": ".tflite"}
"""How files of each format end."""

CARD = ".json"
"""How the file beside a LiteRT file ends that says what it is."""


def run(config: Mapping[str, Any]) -> int:
    """Write the file, if it says of the validation images what the run says."""
    output, precision = _output(config["output"], config["format"]), config["precision"]
    with logging_to(None):
        exported = exported_product(config)
        print(f"'{exported.product.name}': held against {len(exported.validation)} images")
        content, answer = _made(exported, config["format"], precision)
        comparison = exported.compared(answer)
    if refusal := comparison.refusal(None if precision == "fp32" else config["max_drop"]):
        raise UserError(f"{output} is not written: {refusal}")
    if config["format"] == "litert":  # whose files have no place for it
        write_atomically(output.with_suffix(CARD), exported.card(precision).text)
    write_atomically(output, content)
    print(comparison.sentence)
    print(f"{output} ({precision}, {len(content) / 1e6:.1f} MB)")
    return 0


def _made(exported: ExportedProduct, kind: str, precision: str) -> tuple[bytes, Answer]:
    """Return the bytes of a file, and what it answers with once it is loaded."""
    if kind == "litert":
        from mlff_cli.runs.export.litert import LitertSession, litert_file

        content = litert_file(exported, precision)
        return content, LitertSession(content)
    from mlff_cli.runs.export.onnx_file import onnx_file
    from mlff_cli.runs.export.session import Session

    content = onnx_file(exported, precision)
    return content, Session(content, "the exported graph")


def _output(text: str, kind: str) -> Path:
    """Return the file that is asked for.

    Raises:
        UserError: It does not end as files of this format do.
    """
    path = Path(text).expanduser()
    if path.suffix.lower() != SUFFIXES[kind]:
        raise UserError(f"output={text}: give a file that ends in {SUFFIXES[kind]} (format={kind})")
    return path
