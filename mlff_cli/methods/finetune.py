"""Full fine-tuning: every parameter trains on every new experience. The paper's baseline."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mlff_cli.backbones.network import on_device
from mlff_cli.features.features import pooled
from mlff_cli.images.augmentation import Augmentation
from mlff_cli.images.loading import all_images, image_batches, normalised
from mlff_cli.methods.adapters import Adapters
from mlff_cli.methods.base import Context, Method
from mlff_cli.methods.optimiser import Optimisation
from mlff_cli.methods.training import fit
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import Record

SAMPLE = 256
"""Images that the constants of the fusion layer are taken from, before anything is trained."""


class FineTuning(Method):
    """Backbone, fusion layer (by default the deepest level) and head train end to end."""

    reads_features = False

    def __init__(
        self,
        context: Context,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        augmentation: bool,
    ) -> None:
        self.context = context
        self.optimisation = Optimisation(epochs, batch_size, learning_rate, weight_decay)
        self.augmentation = Augmentation(context.augmentation if augmentation else ())
        torch.manual_seed(context.seed)
        device = context.device.device
        self.backbone = context.recipe.build()
        self.backbone.unfreeze()
        on_device(self.backbone, device).eval()
        fusion = context.fusion(self.backbone.levels)
        self.adapters = Adapters(fusion, context.head).to(device).eval()
        self.levels = [level.name for level in self.backbone.levels]

    def trained(self) -> Sequence[nn.Module]:
        """Everything."""
        return [self.backbone, self.adapters]

    def full_parameters(self) -> int:
        """Return the number that trains: this method is what others save against."""
        return self.trainable_parameters()

    def inputs(self, images: Tensor) -> list[Tensor]:
        """Return the fusion layer's inputs for uint8 images (B, 3, H, W) on the CPU."""
        moved = images.to(self.context.device.device, non_blocking=True)
        prepared = normalised(moved, self.backbone.preprocessing)
        maps = self.backbone(prepared.contiguous(memory_format=torch.channels_last))
        return pooled(maps, self.levels, self.adapters.fusion.inputs)

    def learn(self, experience: Experience) -> None:
        """Train everything on the experience's images, decoded once, varied in every epoch."""
        device = self.context.device
        size = self.backbone.preprocessing.size
        head = self.adapters[experience.head]
        images = all_images(experience.train, size, device.workers)
        targets = head.targets(experience.train, experience.outputs).to(device.device)
        if experience.index == 1:
            with torch.inference_mode():
                batches = torch.split(images[:SAMPLE], device.batch_size)
                columns = zip(*(self.inputs(batch) for batch in batches), strict=True)
                self.adapters.fusion.fit([torch.cat(column) for column in columns])
        if self.head_is_new:
            head.fit(targets)

        def loss(positions: Tensor, epoch: int) -> Tensor:
            inputs = self.inputs(self.augmentation(images[positions]))
            return head.loss(self.adapters(inputs, experience.head), targets[positions])

        fit(
            [self.backbone, self.adapters.fusion, head],
            loss,
            count=len(experience.train),
            settings=self.optimisation,
            seed_of=lambda epoch: self._number(experience, epoch),
            device=device,
            journal=self.context.journal,
            title=f"{experience.index} {experience.name}",
        )

    def outputs(self, head: str, records: Sequence[Record]) -> Tensor:
        """Return the head's scores (N, O) on the CPU."""
        device = self.context.device
        size = self.backbone.preprocessing.size
        parts = []
        with torch.inference_mode(), device.autocast():
            for images in image_batches(records, size, device.batch_size, device.workers):
                outputs = self.adapters(self.inputs(images), head)
                parts.append(self.adapters[head].scores(outputs).cpu())
        return torch.cat(parts)

    def state(self) -> dict[str, Tensor]:
        """Return adapters and backbone, by name."""
        backbone = {
            f"backbone.{name}": tensor.detach().cpu().clone()
            for name, tensor in self.backbone.state_dict().items()
        }
        return super().state() | backbone

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
        adapters = {n: t for n, t in state.items() if n.startswith("adapters.")}
        super().load(adapters)
        self.backbone.load_state_dict(
            {n.removeprefix("backbone."): t for n, t in state.items() if n not in adapters}
        )
