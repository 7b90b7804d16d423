"""Weight files: read without executing anything in them, and held to the architecture."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mlff_cli.backbones.torchvision_remedy import import_torchvision
from mlff_cli.errors import UserError


def read_weights(file: Path) -> dict[str, Tensor]:
    """Read a weight file's tensors; nothing in it is executed.

    Raises:
        UserError: The file is truncated, no weight file, or asks for code to be run.
    """
    import_torchvision()
    from timm.models._helpers import load_state_dict

    try:
        # Not the default of every timm that is admitted.
        state = load_state_dict(str(file), weights_only=True)
    except Exception as error:
        if isinstance(error, pickle.UnpicklingError) or isinstance(
            error.__cause__, pickle.UnpicklingError
        ):
            raise UserError(
                f"{file}: holds something else than tensors and is not loaded; save the state "
                "dict alone, best as .safetensors"
            ) from error
        raise UserError(f"{file}: cannot be read as weights ({error})") from error
    return {name: tensor for name, tensor in state.items() if isinstance(tensor, Tensor)}


def require_fit(model: str, given: Mapping[str, Tensor], file: Path) -> None:
    """Compare a user's weights with timm's architecture; timm itself passes over missing ones.

    Raises:
        UserError: A tensor is missing or has another shape.
    """
    import_torchvision()
    import timm

    whole = timm.create_model(model, pretrained=False)
    for name, tensor in whole.state_dict().items():
        if name.startswith(_classifiers(whole)) or name.endswith("num_batches_tracked"):
            continue
        if name not in given:
            raise UserError(f"{file}: no weights of {model}: tensor '{name}' is missing")
        resampled = "pos_embed" in name or "relative_position" in name or "attn_mask" in name
        if given[name].shape != tensor.shape and not resampled:
            raise UserError(
                f"{file}: no weights of {model}: '{name}' has shape {tuple(given[name].shape)}, "
                f"expected {tuple(tensor.shape)}"
            )


def require_finite(network: nn.Module, file: Path) -> None:
    """Raise `UserError` where a tensor of the network holds NaN or Inf."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise UserError(f"{file}: tensor '{name}' holds NaN or Inf; the file is damaged")


def _classifiers(network: Any) -> tuple[str, ...]:
    """Return the names of the layers that features do not need."""
    names = network.default_cfg.get("classifier") or ()
    return (names,) if isinstance(names, str) else tuple(names)
