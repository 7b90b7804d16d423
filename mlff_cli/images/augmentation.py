"""The usual augmentation of full fine-tuning, drawn anew for every image in every epoch."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlff_cli.backbones.torchvision_remedy import import_torchvision
from mlff_cli.images.changes import check_changes


class Augmentation(nn.Module):
    """Random flips, shifts (up to 6 % of the side), brightness and contrast (up to 15 %)."""

    def __init__(self, kinds: Sequence[str]) -> None:
        super().__init__()
        check_changes(kinds)
        import_torchvision()
        from torchvision.transforms import v2

        transforms = {
            "flips": [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()],
            "shifts": [v2.RandomAffine(degrees=0, translate=(0.06, 0.06))],
            "brightness": [v2.ColorJitter(brightness=0.15, contrast=0.15)],
        }
        chosen = [transform for kind in kinds for transform in transforms[kind]]
        self.transform = v2.Compose(chosen) if chosen else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Vary each of the uint8 images (B, 3, H, W) on its own, from torch's random state."""
        return torch.stack([self.transform(image) for image in images])
