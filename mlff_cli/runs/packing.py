"""Nested values with tensors as bytes: nothing that is read back is executed.

Tensors lie in safetensors, everything else beside them as JSON.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

FORMAT = 1
SCALARS = {int, float, str, bool, type(None)}


class NewerFormatError(ValueError):
    """The content was written by a later version of this program."""


def packed(state: Any) -> bytes:
    """Return nested dictionaries, lists, numbers, texts and tensors as one safetensors file."""
    tensors: dict[str, Tensor] = {}
    storages: set[int] = set()

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            name = str(len(tensors))
            tensors[name] = _alone(value.detach().cpu().contiguous(), storages)
            return {"tensor": name}
        if _bare(value):
            return {"value": value}  # what hundreds of experiences gave, at once
        if isinstance(value, Mapping):
            return {"pairs": [[key, plain(item)] for key, item in value.items()]}
        if isinstance(value, list | tuple):
            return {"items": [plain(item) for item in value]}
        return {"value": value}

    structure = json.dumps(plain(state))
    metadata = {"format": str(FORMAT), "structure": structure, "hash": _hash(structure, tensors)}
    return save(tensors, metadata=metadata)


def _alone(tensor: Tensor, storages: set[int]) -> Tensor:
    """Return a tensor, copied where it shares memory: in one file no two may.

    `storages` are those that are in the file already.
    """
    storage = tensor.untyped_storage()
    if storage.nbytes() != tensor.nbytes or storage.data_ptr() in storages:
        return tensor.clone()
    storages.add(storage.data_ptr())
    return tensor


def _bare(value: Any) -> bool:
    """Return whether JSON can hold a value as it is."""
    kind = type(value)
    if kind is dict:
        return all(type(key) is str for key in value) and all(map(_bare, value.values()))
    return kind in SCALARS or (kind in (list, tuple) and all(map(_bare, value)))


def unpacked(content: bytes) -> Any:
    """Return what was `packed`; tuples come back as lists.

    Raises:
        NewerFormatError: A later version of this program wrote it.
        ValueError: The content is damaged.
    """
    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        if int(metadata["format"]) > FORMAT:
            raise NewerFormatError(f"format {metadata['format']}, expected {FORMAT}")
        if metadata["format"] != str(FORMAT) or metadata["hash"] != _hash(
            metadata["structure"], tensors
        ):
            raise ValueError("the hash does not fit")
        return _nested(json.loads(metadata["structure"]), tensors)
    except NewerFormatError:
        raise
    except Exception as error:
        # Damaged or made by a stranger: whatever a reader stumbles over.
        raise ValueError(str(error)) from error


def _nested(value: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "tensor":
        return tensors[content]
    if kind == "pairs":
        return {key: _nested(item, tensors) for key, item in content}
    if kind == "items":
        return [_nested(item, tensors) for item in content]
    return content


def _hash(structure: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(structure.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        # As bytes: NumPy has no bfloat16.
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
