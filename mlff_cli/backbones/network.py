"""The network itself: images to maps, frozen until it is told otherwise."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlff_cli.backbones.levels import LevelInfo, Preprocessing


class Backbone(nn.Module):
    """A pretrained network that returns the maps of several levels.

    Frozen when made: no parameter asks for a gradient and `train()` leaves it in eval mode, so
    that BatchNorm statistics stay as they are. `unfreeze()` ends both.

    Attributes:
        module: Maps normalised images (B, 3, H, W) to one map (B, C_l, H_l, W_l) per level.
        levels: What is known of each level, the shallowest first.
        preprocessing: How an image becomes its input.
    """

    def __init__(
        self, module: nn.Module, levels: Sequence[LevelInfo], preprocessing: Preprocessing
    ) -> None:
        super().__init__()
        self.module = module
        self.levels = tuple(levels)
        self.preprocessing = preprocessing
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
        maps: list[Tensor] = self.module(images)
        return maps

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
