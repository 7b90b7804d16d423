"""The trained parts on disk: tensors in safetensors, what they belong to in JSON, all hashed.

What only learning on needs, exemplars and sums, lies in a file of its own, if there is any.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from mlff_cli.errors import UserError
from mlff_cli.methods.base import State
from mlff_cli.runs.adapters_description import DESCRIPTION, FORMAT, canonical, read_description
from mlff_cli.runs.calibration import Calibration
from mlff_cli.runs.tensor_files import tensor_digest
from mlff_cli.system.files import write_atomically

TENSORS, KEPT = "adapters.safetensors", "kept.safetensors"
CALIBRATION = "calibration.safetensors"


def save_adapters(
    folder: Path,
    state: State,
    *,
    fingerprint: str,
    calibration: Calibration | None = None,
    parts: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> None:
    """Write the state and its description.

    Args:
        folder: Made if it is not there.
        state: As `Method.state` returns it.
        fingerprint: Of the backbone whose features the adapters read.
        calibration: What is known of the images that they were trained on.
        parts: What answers with each head, by its name (`Method.part`).
    """
    description: dict[str, Any] = {
        "format": FORMAT,
        "backbone": fingerprint,
        "heads": [
            {"name": name, "outputs": list(outputs)} for name, outputs in state.heads.items()
        ],
        **_written(folder / TENSORS, state.tensors),
    }
    if state.kept:
        description["kept"] = _written(folder / KEPT, state.kept)
    if parts:
        description["parts"] = {name: digest_of(tensors) for name, tensors in parts.items()}
    if calibration is not None and (tensors := calibration.tensors()):
        description["calibration"] = _written(folder / CALIBRATION, tensors)
    write_atomically(folder / DESCRIPTION, canonical(description))


def load_adapters(folder: Path, fingerprint: str | None = None) -> State:
    """Return the state; every byte of both files is checked.

    Args:
        folder: Where it lies.
        fingerprint: Of the backbone that is there; None: whichever it was made on.

    Raises:
        UserError: A file is missing or damaged, of a newer format, or made on another backbone.
    """
    description = read_description(folder)
    if fingerprint is not None and description["backbone"] != fingerprint:
        raise UserError(
            f"{folder}: these adapters were trained on another backbone (fingerprint "
            f"{description['backbone'][:12]}, here {fingerprint[:12]}); choose the backbone, "
            "weights, levels, engine and image size of the run"
        )
    heads = {head["name"]: tuple(head["outputs"]) for head in description["heads"]}
    kept = description.get("kept")
    return State(
        heads,
        _tensors(folder / TENSORS, description),
        _tensors(folder / KEPT, kept) if kept else {},
    )


def fingerprint_of(folder: Path) -> str:
    """Return the fingerprint of the backbone whose features the adapters read.

    Raises:
        UserError: The description is missing or damaged.
    """
    return str(read_description(folder)["backbone"])


def part_digests(folder: Path) -> dict[str, str]:
    """Return the digest of what answers with each head; empty in runs of older versions.

    Raises:
        UserError: The description is missing or damaged.
    """
    return dict(read_description(folder).get("parts", {}))


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """Return one hash (64 hex digits) of tensors and their names."""
    lines = [f"{name} {tensor_digest(tensor)}" for name, tensor in sorted(tensors.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def load_calibration(folder: Path) -> Calibration:
    """Return what is known of the images of a run; empty of one that kept nothing.

    Raises:
        UserError: The file is missing or damaged.
    """
    own = read_description(folder).get("calibration")
    try:
        return Calibration.of_tensors(_tensors(folder / CALIBRATION, own) if own else {})
    except (ValueError, KeyError) as error:
        raise UserError(f"{folder / CALIBRATION}: is damaged ({error})") from error


def _written(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Write tensors; return the hash of the file and those of the tensors."""
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    write_atomically(path, content)
    return {
        "file": hashlib.sha256(content).hexdigest(),
        "tensors": {name: tensor_digest(tensor) for name, tensor in tensors.items()},
    }


def _tensors(path: Path, description: Mapping[str, Any]) -> dict[str, Tensor]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != description["file"]:
        raise UserError(f"{path}: is damaged: its hash is not the one in {DESCRIPTION}")
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise UserError(f"{path}: holds no safetensors ({error})") from error
    for name, tensor in tensors.items():
        if tensor_digest(tensor) != description["tensors"].get(name):
            raise UserError(f"{path}: tensor '{name}' is damaged: its hash does not fit")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise UserError(f"{path}: tensor '{name}' holds NaN or Inf")
    return tensors
