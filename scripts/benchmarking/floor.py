"""The floor: decode every image of a list and pass it once through the bare backbone.

Plain PyTorch; of the project nothing but the model's construction. It keeps no result.

usage: floor.py <list of image files> <size> <batch size> <workers> <device> <precision>
"""

import os
import sys
from pathlib import Path

# What mlff sets for itself, so that both sides run under the same conditions.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Images(Dataset[Tensor]):
    """Image files as uint8 tensors (3, size, size)."""

    def __init__(self, files: list[str], size: int) -> None:
        self.files = files
        self.size = size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        with Image.open(self.files[index]) as file:
            image = file.convert("RGB")
        if image.size != (self.size, self.size):
            image = image.resize((self.size, self.size), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1)))


@torch.inference_mode()
def main(words: list[str]) -> None:
    """Build the model, pass every image through it once, print how many there were."""
    listed, size, batch_size, workers, device, precision = words
    model = EfficientNetLite0(image_size=int(size), weights=None, levels=[]).build()
    model = model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    count = int(workers)
    loader = DataLoader(
        Images(Path(listed).read_text(encoding="utf-8").splitlines(), int(size)),
        batch_size=int(batch_size),
        num_workers=count,
        prefetch_factor=4 if count else None,
        pin_memory=device == "cuda",
    )
    images = 0
    mixed = PRECISIONS[precision] != torch.float32
    for batch in loader:
        scaled = (batch.to(device, non_blocking=True).float() / 255 - 0.5) / 0.5
        with torch.autocast(device, PRECISIONS[precision], enabled=mixed):
            model(scaled.contiguous(memory_format=torch.channels_last))
        images += len(batch)
    if device == "cuda":
        torch.cuda.synchronize()
    print(images)


if __name__ == "__main__":
    main(sys.argv[1:])
