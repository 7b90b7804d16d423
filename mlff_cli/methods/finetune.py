"""Full fine-tuning: every parameter trains on every new experience. The paper's baseline."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlff_cli.backbones.network import Backbone, on_device
from mlff_cli.features.pooling import pooled
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.images.loading import all_images, image_batches, normalised
from mlff_cli.images.variations import random_variation
from mlff_cli.methods.adapters import Adapters
from mlff_cli.methods.base import Context, Journal, Method
from mlff_cli.methods.training import Part, Settings, train
from mlff_cli.tasks.experience import Experience, Step
from mlff_cli.tasks.record import ImageSource

SAMPLE = 256
"""Images that the constants of the fusion layer are taken from, before anything is trained."""


class FineTuning(Method):
    """Backbone, fusion layer (by default the deepest level) and head train end to end.

    One fusion layer serves all heads, whatever `fusion.shared=auto` gives others: the backbone
    below it is shared as well.

    `variations` says whether images are varied anew in every epoch.
    """

    reads_features = False

    def __init__(
        self,
        context: Context,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        dropout: float,
        variations: bool,
    ) -> None:
        self.context = context
        self.settings = Settings(epochs, batch_size, learning_rate, weight_decay, dropout)
        self._vary = random_variation(context.kinds if variations else ())
        context.device.seed(context.seed)
        device = context.device.device
        backbone = context.recipe.build()
        backbone.unfreeze()
        on_device(backbone, device).eval()
        fusion = partial(context.fusion, backbone.levels)
        self.adapters = Adapters(fusion, context.head).to(device).eval()
        self.network = EndToEnd(backbone, self.adapters.fusion)

    def trained(self) -> Mapping[str, nn.Module]:
        """Everything."""
        return {"adapters": self.adapters, "backbone": self.network.backbone}

    def part(self, head: str) -> Mapping[str, Tensor]:
        """Return what the head depends on: the backbone as well."""
        backbone = self.network.backbone.state_dict().items()
        return {**super().part(head), **{f"backbone.{name}": tensor for name, tensor in backbone}}

    def full_parameters(self) -> int:
        """Return the number that trains: this method is what others save against."""
        return self.trainable_parameters()

    def learn(self, step: Step, journal: Journal) -> None:
        """Train everything on the step's images, decoded once."""
        train(
            self.network,
            [self._part(experience) for experience in step.experiences],
            self.settings,
            device=self.context.device,
            journal=journal,
            seed_of=partial(self.seed_of, step.index),
            title=f"{step.index} {step.name}",
        )

    def answers(
        self, head: str, images: Sequence[ImageSource]
    ) -> tuple[NDArray[np.float32], Tensor]:
        """Return the head's scores (N, O), and the descriptors (N, D) that it reads."""
        device, own = self.context.device, self.adapters[head]
        size = self.network.backbone.preprocessing.size
        batches = image_batches(images, size, device.batch_size, device.workers)
        with torch.inference_mode(), device.autocast():
            described = [self.network([self._moved(batch)]) for batch in batches]
            parts = [own.scores(own(rows)).cpu() for rows in described]
        scores: NDArray[np.float32] = torch.cat(parts).numpy()
        return scores, torch.cat(described)

    def backbone(self) -> Backbone:
        """Return the network as it has learned."""
        return self.network.backbone

    def _part(self, experience: Experience) -> Part:
        head = self.adapters[experience.head]
        targets = head.targets(experience.train, head.outputs).to(self.context.device.device)
        head.fit(targets)
        sources = [record.image for record in experience.train]
        size = self.network.backbone.preprocessing.size
        images = all_images(sources, size, self.context.device.workers)
        self._take_constants(images[:SAMPLE])
        examples = VariedImages(images, self._vary)
        return Part(head, lambda epoch: examples, targets)

    def _take_constants(self, images: Tensor) -> None:
        """Let the fusion layer take its constants from uint8 images (N, 3, H, W), once."""
        fusion = self.adapters.fusion
        if bool(fusion.fitted):
            return  # what follows is a pass through the backbone
        with torch.inference_mode():
            parts = torch.split(images, self.context.device.batch_size)
            fusion.fit([self.network.inputs(self._moved(part)) for part in parts])

    def _moved(self, images: Tensor) -> Tensor:
        return images.to(self.context.device.device, non_blocking=True)


class EndToEnd(nn.Module):
    """Backbone and fusion layer as one: images in, descriptor out."""

    def __init__(self, backbone: Backbone, fusion: FusionLayer) -> None:
        super().__init__()
        self.backbone = backbone
        self.fusion = fusion

    def inputs(self, images: Tensor) -> list[Tensor]:
        """Return what the fusion layer reads of uint8 images (B, 3, H, W)."""
        prepared = normalised(images, self.backbone.preprocessing)
        maps = self.backbone(prepared.contiguous(memory_format=torch.channels_last))
        names = (level.name for level in self.backbone.levels)
        return pooled(dict(zip(names, maps, strict=True)), self.fusion.inputs)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Map uint8 images [(B, 3, H, W)] to descriptors (B, D)."""
        descriptor: Tensor = self.fusion(self.inputs(inputs[0]))
        return descriptor


class VariedImages:
    """Images that are varied whenever they are taken."""

    def __init__(self, images: Tensor, vary: Callable[[Tensor], Tensor]) -> None:
        self._images = images
        self._vary = vary

    def __getitem__(self, positions: Tensor) -> list[Tensor]:
        """Return uint8 images [(B, 3, H, W)] at positions (B,)."""
        return [self._vary(self._images[positions])]
