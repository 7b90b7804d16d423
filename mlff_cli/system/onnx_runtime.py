"""ONNX Runtime: whether it is there, how a graph is loaded, and the seal on a graph's bytes."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.system.extras import extra_module

EXTRA = "export"

SEAL_KEY = "mlff_seal"
"""Name in a file's metadata of the hash of everything before it."""


@cache
def can_export_and_run() -> bool:
    """Return whether this installation has all that writes graphs and runs them; loads nothing."""
    return None not in (find_spec("onnxruntime"), find_spec("onnx"), find_spec("onnxscript"))


@cache
def runtime_version() -> str:
    """Return the version of ONNX Runtime; mostly without loading it.

    Raises:
        UserError: It is missing.
    """
    try:
        return version("onnxruntime")
    except PackageNotFoundError:  # other builds bear other names
        return str(extra_module("onnxruntime", EXTRA).__version__)


def loaded(content: bytes, name: str, threads: int = 0) -> Any:
    """Return ONNX Runtime's session of a graph, on the processor.

    Args:
        content: The file's bytes.
        name: Of the file, for messages.
        threads: To compute with; 0: one for each core.

    Raises:
        UserError: ONNX Runtime is missing, or these are no bytes of a graph that it can run.
    """
    runtime = extra_module("onnxruntime", EXTRA)
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Threads that spin while they wait starve every other process of a small machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Of int8: on processors whose sums of products would overflow, slower ones that do not.
    options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it has a type of its own for everything, without a common one
        lines = str(error).splitlines()
        raise UserError(
            f"{name}: cannot be loaded as an ONNX file ({lines[0] if lines else error!r})"
        ) from error


def sealed(content: bytes) -> bytes:
    """Return an ONNX file with one more entry of metadata behind it: the hash of its bytes."""
    return content + _seal(content)


def is_sealed(content: bytes) -> bool:
    """Return whether a file is what was sealed, to the byte."""
    length = len(_seal(b""))
    body, seal = content[:-length], content[-length:]
    return seal == _seal(body)


def _seal(content: bytes) -> bytes:
    """Return the entry as protobuf writes it; its length does not depend on the content."""
    key, value = SEAL_KEY.encode(), hashlib.sha256(content).hexdigest().encode()
    entry = b"\x0a" + bytes([len(key)]) + key + b"\x12" + bytes([len(value)]) + value
    return b"\x72" + bytes([len(entry)]) + entry  # field 14 of a model: its metadata
