"""timm's model with the weights of a file, tapped at several levels."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mlff_cli.backbones.levels import LevelInfo, Size, sides
from mlff_cli.backbones.torchvision_remedy import import_torchvision
from mlff_cli.backbones.weights import require_finite
from mlff_cli.errors import UserError, nearest

TRANSFORMER_LEVELS = 4
"""Depths tapped in a transformer, evenly spaced: its blocks all have one scale."""


class Taps(nn.Module):
    """The maps of some of a network's levels, channels first."""

    def __init__(self, network: nn.Module, taps: Sequence[int], *, channels_last: bool) -> None:
        super().__init__()
        self.network = network
        self.taps = tuple(taps)
        self.channels_last = channels_last

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map normalised images (B, 3, H, W) to one map (B, C_l, H_l, W_l) per level."""
        maps = self.network(images)
        chosen = [maps[tap] for tap in self.taps]
        return [map_.permute(0, 3, 1, 2) for map_ in chosen] if self.channels_last else chosen


def tapped(
    model: str,
    weights: Mapping[str, Tensor],
    file: Path,
    *,
    image_size: Size,
    wanted: Sequence[str],
) -> tuple[Taps, tuple[LevelInfo, ...]]:
    """Build timm's `model` with `weights`, and say what its levels are.

    Args:
        model: timm's name of the architecture.
        weights: Tensors under timm's names.
        file: Where they come from, for messages.
        image_size: Of the images in pixels, for networks that are made for one.
        wanted: Names of the levels; empty: all there are.

    Raises:
        UserError: The weights do not fit or are damaged, a level does not exist, or images of this
            size would lose an edge.
    """
    network = _with_features(model, weights, file, image_size)
    require_finite(network, file)
    _require_whole_patches(network, model, image_size)
    levels = [
        LevelInfo(info["module"], info["num_chs"], info["reduction"])
        for info in network.feature_info.get_dicts()
    ]
    taps = _chosen(levels, wanted)
    channels_last = str(getattr(network, "output_fmt", "NCHW")).endswith("NHWC")
    chosen = tuple(levels[tap] for tap in taps)
    return Taps(network, taps, channels_last=channels_last), chosen


def _with_features(model: str, weights: Mapping[str, Tensor], file: Path, image_size: Size) -> Any:
    """Return timm's model with features_only."""
    import_torchvision()
    import timm
    from timm.models._features import FeatureGetterNet

    # What features_only leaves over (the classifier) is expected and not worth a line.
    logging.getLogger("timm").setLevel(logging.ERROR)
    options: dict[str, Any] = {
        "features_only": True,
        "pretrained": True,
        "pretrained_cfg_overlay": {"state_dict": weights, "custom_load": False},
    }
    published = timm.get_pretrained_cfg(model)
    if published is not None and published.fixed_input_size:
        options["img_size"] = image_size
    try:
        network = timm.create_model(model, **options)
        if isinstance(network, FeatureGetterNet) and (taps := _even_taps(network.model)):
            network = timm.create_model(model, out_indices=taps, **options)
    except (RuntimeError, KeyError, EOFError, OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as weights of {model} ({error})") from error
    return network


def _even_taps(transformer: Any) -> list[int]:
    """Return evenly spaced blocks of a transformer; none where it has too few."""
    depth = len(list(getattr(transformer, "blocks", ())))
    if depth < TRANSFORMER_LEVELS:
        return []
    step = depth / TRANSFORMER_LEVELS
    return [round(step * (tap + 1)) - 1 for tap in range(TRANSFORMER_LEVELS)]


def _require_whole_patches(network: nn.Module, model: str, image_size: Size) -> None:
    """Raise `UserError` where patches do not cover the image: what is left over would go unseen."""
    from timm.layers.patch_embed import PatchEmbed

    for part in network.modules():
        if not isinstance(part, PatchEmbed) or part.dynamic_img_pad:
            continue
        for side, patch in zip(sides(image_size), part.patch_size, strict=True):
            if side % patch:
                below = side // patch * patch
                raise UserError(
                    f"data.image_size: {model} sees patches of {patch} pixels, and {side} is no "
                    f"multiple of that; give {below} or {below + patch}"
                )


def _chosen(levels: Sequence[LevelInfo], wanted: Sequence[str]) -> tuple[int, ...]:
    names = [level.name for level in levels]
    for name in wanted:
        if name not in names:
            raise UserError(
                f"backbone.levels: there is no level '{name}'; {nearest(name, names)} "
                f"(this backbone has: {', '.join(names)})"
            )
    return tuple(index for index, name in enumerate(names) if not wanted or name in wanted)
