"""What computes features: images of the network's size to the inputs of fusion layers."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from mlff_cli.backbones.levels import Preprocessing
from mlff_cli.backbones.network import Backbone, on_device
from mlff_cli.features.pooling import LevelInput, pooled
from mlff_cli.images.loading import normalised
from mlff_cli.system.device import Device


class Engine(Protocol):
    """A frozen backbone with the pooling of its levels."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes the network's input."""
        ...

    def place(self, device: torch.device) -> None:
        """Get ready to compute for a device."""
        ...

    def columns(self, images: Tensor, inputs: Sequence[LevelInput], device: Device) -> list[Tensor]:
        """Map uint8 images (B, 3, H, W) to one tensor (B, ...) per input, in fp32."""
        ...

    def on_one_thread(self) -> "Engine | None":
        """Return what computes the same bytes, each call on its own thread; None: nothing does."""
        ...


class TorchEngine:
    """PyTorch, on any device."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes the network's input."""
        return self.backbone.preprocessing

    def place(self, device: torch.device) -> None:
        """Move the network."""
        on_device(self.backbone, device)

    def columns(self, images: Tensor, inputs: Sequence[LevelInput], device: Device) -> list[Tensor]:
        """Map uint8 images (B, 3, H, W) on the device to one tensor (B, ...) per input."""
        with device.autocast():
            maps = network_maps(self.backbone, images)
        return pooled(maps, inputs)

    def on_one_thread(self) -> None:
        """Threads and devices are shared by the whole process."""


def network_maps(backbone: Backbone, images: Tensor) -> dict[str, Tensor]:
    """Return the map (B, C_l, H_l, W_l) of each level of uint8 images (B, 3, H, W)."""
    prepared = normalised(images, backbone.preprocessing)
    maps = backbone(prepared.contiguous(memory_format=torch.channels_last))
    return dict(zip((level.name for level in backbone.levels), maps, strict=True))


class Pooled(nn.Module):
    """Normalising, backbone and pooling as one module: what a graph is made of."""

    def __init__(self, backbone: Backbone, inputs: Sequence[LevelInput]) -> None:
        super().__init__()
        self.backbone = backbone
        self.inputs = tuple(inputs)
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map uint8 images (B, 3, H, W) to one tensor (B, ...) per input."""
        return tuple(pooled(network_maps(self.backbone, images), self.inputs))
