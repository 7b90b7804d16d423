"""What all peers are given alike: the images in their order, the backbone, where answers go.

A list of images is a CSV file with the columns path, split, product and label. Answers are one
file: what was said of every test image after every training, and the seconds of each.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

FEATURES = 1280
"""Numbers that the backbone gives of an image."""


@dataclass(frozen=True)
class Recipe:
    """How heads train: AdamW under a one-cycle learning rate."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True)
class Product:
    """Decoded images (N, 3, size, size) in uint8 and their classes (N,), those tested apart."""

    name: str
    classes: tuple[str, ...]
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def products_of(listed: Path, size: int) -> list[Product]:
    """Decode all images that are trained on or tested, once, product after product."""
    with listed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for name in dict.fromkeys(row["product"] for row in rows):
        own = [row for row in rows if row["product"] == name]
        classes = tuple(sorted({row["label"] for row in own}))
        train, test = (
            _decoded([row for row in own if row["split"] == split], classes, size)
            for split in ("train", "test")
        )
        found.append(Product(name, classes, train, test))
    return found


def _decoded(
    rows: Sequence[dict[str, str]], classes: Sequence[str], size: int
) -> tuple[Tensor, Tensor]:
    images = [_pixels(row["path"], size) for row in rows]
    return torch.stack(images), torch.tensor([classes.index(row["label"]) for row in rows])


def _pixels(path: str, size: int) -> Tensor:
    with Image.open(path) as file:
        image = file.convert("RGB")
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).contiguous()


class FrozenBackbone(nn.Module):
    """EfficientNet-Lite0 from timm with the weights that mlff uses; always in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0
        from mlff_cli.backbones.torchvision_remedy import import_torchvision

        import_torchvision()  # timm needs it, and it may not fit this torch
        import timm

        recipe = EfficientNetLite0(image_size=224, weights=None, levels=[])
        network: Any = timm.create_model(recipe.model, pretrained=False)
        network.load_state_dict(recipe.state(recipe.weights_file))
        network.reset_classifier(0)
        # The faster memory layout, on processors as on cards.
        self.network: nn.Module = network.to(memory_format=torch.channels_last)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "FrozenBackbone":
        """Stay in eval mode: batch statistics must not follow the images."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Return the pooled features (B, 1280) of images (B, 3, size, size) in uint8."""
        scaled = (images.float() / 255 - 0.5) / 0.5
        features: Tensor = self.network(scaled.contiguous(memory_format=torch.channels_last))
        return features


@dataclass
class Answers:
    """Scores (N, C) by training and product, both from 1, and the seconds that they took."""

    scores: dict[tuple[int, int], NDArray[np.float32]] = field(default_factory=dict)
    learning_seconds: list[float] = field(default_factory=list)
    scoring_seconds: list[float] = field(default_factory=list)

    def write(self, file: Path, products: Sequence[Product]) -> None:
        """Keep everything in one file, with the classes that were asked for."""
        content: dict[str, Any] = {
            "learning": self.learning_seconds,
            "scoring": self.scoring_seconds,
        }
        for (trained, scored), values in self.scores.items():
            content[f"scores/{trained}/{scored}"] = values
        for number, product in enumerate(products, 1):
            content[f"targets/{number}"] = product.test[1].numpy()
        np.savez(file, **content)
