"""The network itself: timm's model, tapped at several levels."""

import logging
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.backbones.torchvision_remedy import import_torchvision
from mlff_cli.errors import UserError, nearest

if TYPE_CHECKING:
    from mlff_cli.backbones.recipe import BackboneRecipe

TRANSFORMER_LEVELS = 4
"""Depths tapped in a transformer, evenly spaced: its blocks all have one scale."""


class Backbone(nn.Module):
    """A pretrained network that returns the maps of several levels.

    Frozen when made: no parameter asks for a gradient and `train()` leaves it in eval mode, so
    that BatchNorm statistics stay as they are. `unfreeze()` ends both.
    """

    def __init__(self, recipe: "BackboneRecipe") -> None:
        super().__init__()
        self.preprocessing = recipe.preprocessing
        self.fingerprint = recipe.fingerprint
        network = _pretrained(recipe)
        infos = network.feature_info.get_dicts()
        self.levels = tuple(
            LevelInfo(info["module"], info["num_chs"], info["reduction"]) for info in infos
        )
        self.selected = _selected(self.levels, recipe.levels)
        self.levels = tuple(self.levels[index] for index in self.selected)
        self.channels_last = str(getattr(network, "output_fmt", "NCHW")).endswith("NHWC")
        self.network = network
        self.frozen = True
        self.requires_grad_(False)
        self.eval()

    def unfreeze(self) -> None:
        """Let every parameter train."""
        self.frozen = False
        self.requires_grad_(True)

    def train(self, mode: bool = True) -> "Backbone":
        """Change the mode, unless frozen."""
        return super().train(mode and not self.frozen)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map normalised images (B, 3, H, W) to one map (B, C_l, H_l, W_l) per level."""
        maps = self.network(images)
        chosen = [maps[index] for index in self.selected]
        return [map_.permute(0, 3, 1, 2) for map_ in chosen] if self.channels_last else chosen

    def parameter_count(self) -> int:
        """Return the number of parameters that full fine-tuning would train."""
        return sum(parameter.numel() for parameter in self.parameters())


def on_device(backbone: Backbone, device: torch.device) -> Backbone:
    """Move the network, its kernels laid out channels-last: faster on a CPU and on a GPU."""
    backbone.to(device)
    for parameter in backbone.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return backbone


def _selected(levels: tuple[LevelInfo, ...], wanted: tuple[str, ...]) -> tuple[int, ...]:
    names = [level.name for level in levels]
    for name in wanted:
        if name not in names:
            raise UserError(
                f"backbone.levels: there is no level '{name}'; {nearest(name, names)} "
                f"(this backbone has: {', '.join(names)})"
            )
    return tuple(index for index, name in enumerate(names) if not wanted or name in wanted)


def _pretrained(recipe: "BackboneRecipe") -> Any:
    """Build timm's model with features_only and load the weights."""
    # Without this an absent network costs 47 s of noisy retries; files are fetched by the recipe.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import_torchvision()
    import timm
    from timm.models._features import FeatureGetterNet

    # What features_only leaves over (the classifier) is expected and not worth a line.
    logging.getLogger("timm").setLevel(logging.ERROR)
    file = recipe.weights_file
    options: dict[str, Any] = {"features_only": True}
    published = timm.get_pretrained_cfg(recipe.model)
    if published is not None and published.fixed_input_size:
        options["img_size"] = recipe.image_size
    state = recipe.state(file)
    if recipe.given_weights is not None:
        _require_fit(timm, recipe.model, file, state)
    overlay: dict[str, Any] = {"state_dict": state, "custom_load": False}
    try:
        network = timm.create_model(
            recipe.model, pretrained=True, pretrained_cfg_overlay=overlay, **options
        )
        if isinstance(network, FeatureGetterNet):
            depth = len(list(getattr(network.model, "blocks", ())))
            if depth >= TRANSFORMER_LEVELS:
                step = depth / TRANSFORMER_LEVELS
                taps = [round(step * (tap + 1)) - 1 for tap in range(TRANSFORMER_LEVELS)]
                network = timm.create_model(
                    recipe.model,
                    pretrained=True,
                    pretrained_cfg_overlay=overlay,
                    out_indices=taps,
                    **options,
                )
    except (RuntimeError, KeyError, EOFError, OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as weights of {recipe.model} ({error})") from error
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise UserError(f"{file}: tensor '{name}' holds NaN or Inf; the file is damaged")
    return network


def _require_fit(timm: Any, model: str, file: Path, given: dict[str, Tensor]) -> None:
    """Compare a user's file with the architecture; timm itself passes over what is missing.

    Raises:
        UserError: A tensor is missing or has another shape.
    """
    whole = timm.create_model(model, pretrained=False)
    expected = whole.state_dict()
    head = whole.default_cfg.get("classifier") or ()
    heads = (head,) if isinstance(head, str) else tuple(head)
    for name, tensor in expected.items():
        if name.startswith(heads) or name.endswith("num_batches_tracked"):
            continue
        if name not in given:
            raise UserError(f"{file}: no weights of {model}: tensor '{name}' is missing")
        resampled = "pos_embed" in name or "relative_position" in name or "attn_mask" in name
        if given[name].shape != tensor.shape and not resampled:
            raise UserError(
                f"{file}: no weights of {model}: '{name}' has shape {tuple(given[name].shape)}, "
                f"expected {tuple(tensor.shape)}"
            )


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
