"""What methods on a frozen backbone share: features, fusion layer, heads, scores. No optimiser."""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import partial
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.backbones.network import Backbone
from mlff_cli.features.columns import Columns, everything
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.methods.adapters import Adapters
from mlff_cli.methods.base import Context, Method, State
from mlff_cli.system.device import limited_threads
from mlff_cli.tasks.experience import Step
from mlff_cli.tasks.record import ImageSource


class FrozenMethod(Method):
    """A method whose backbone never changes: features are read, fusion and heads learn."""

    fusion_learns: ClassVar[bool] = True
    """Whether the fusion layer learns; else it stays as it was made."""

    def __init__(self, context: Context) -> None:
        self.context = context
        # Asked first: where nothing is kept of the backbone, building it draws random numbers.
        levels = context.features.levels
        context.device.seed(context.seed)
        own_fusion = self.own_fusion and context.shared_fusion is not True
        adapters = Adapters(partial(self._fusion, levels), context.head, own_fusion=own_fusion)
        self.adapters = adapters.to(context.device.device).eval()

    def trained(self) -> Mapping[str, nn.Module]:
        """Fusion layer and heads."""
        return {"adapters": self.adapters}

    def alone(self, head: str, outputs: Sequence[str]) -> Self:
        """Return one with a head of that name alone, untrained, on the same features."""
        other = copy(self)
        other.adapters = self.adapters.alone(head, outputs)
        return other

    def begin(self, step: Step) -> None:
        """Make the heads, and see every image of the step in one pass."""
        super().begin(step)
        # Those for validation too: another seed, which splits otherwise, finds all stored.
        splits = (step.records("train"), step.records("validation"), step.records("test"))
        images = [record.image for records in splits for record in records]
        self.context.features.ensure(images, self.adapters.fusion.inputs)

    @property
    def heads_are_apart(self) -> bool:
        """Whether each has a fusion layer of its own, and nothing else is trained."""
        return self.adapters.own_fusion and type(self).trained is FrozenMethod.trained

    def changed_state(self, step: Step) -> State | None:
        """Return the step's heads with their own fusion layers; None where those are not all.

        A subclass that overrides `state` may have more in it.
        """
        if not self.heads_are_apart or type(self).state is not Method.state:
            return None
        heads = dict.fromkeys(experience.head for experience in step.experiences)
        tensors = self.adapters.state_of(heads, "adapters.").items()
        changed = {name: tensor.detach().cpu() for name, tensor in tensors}
        return State(dict(self.heads), changed, self.kept(), whole=False)

    def read(self, images: Sequence[ImageSource]) -> Columns:
        """Return the features of images as they are: what the fusion layer reads."""
        return self.context.features.read(images, self.adapters.fusion.inputs)

    def descriptors(self, columns: Columns, head: str) -> Tensor:
        """Return what a head reads of every row (N, D), in eval mode, on the device."""
        with torch.no_grad(), self.context.device.autocast(), limited_threads(1):
            return self.adapters.fusion_of(head).descriptors(everything(columns))

    def answers(
        self, head: str, images: Sequence[ImageSource]
    ) -> tuple[NDArray[np.float32], Tensor]:
        """Return the head's scores (N, O), and the descriptors (N, D) that it reads."""
        descriptors = self.descriptors(self.read(images), head)
        with torch.no_grad(), self.context.device.autocast(), limited_threads(1):
            own = self.adapters[head]
            scores: NDArray[np.float32] = own.scores(own(descriptors)).cpu().numpy()
        return scores, descriptors

    def can_read(self, images: Sequence[ImageSource]) -> bool:
        """Return whether images, or at least their features, are at hand."""
        return self.context.features.at_hand(images, self.adapters.fusion.inputs)

    def backbone(self) -> Backbone:
        """Return the network, built anew: features are mostly read from the store."""
        return self.context.recipe.build()

    @property
    def has_places(self) -> bool:
        """Whether its fusion layer tells what each place of an image adds."""
        return self.adapters.fusion.has_places

    def where(
        self, head: str, images: Sequence[ImageSource], outputs: Sequence[int]
    ) -> NDArray[np.float32]:
        """Return how much each place of an image adds to the logit of an output (N, H, W)."""
        own, fusion = self.adapters[head], self.adapters.fusion_of(head)
        columns, chosen = (
            self.read(images),
            torch.tensor(outputs, device=self.context.device.device),
        )
        parts: list[Tensor] = []
        with limited_threads(1):
            for inputs in everything(columns):
                moved = [column.to(self.context.device.device) for column in inputs]
                descriptor = fusion(moved).detach().requires_grad_()
                taken, chosen = chosen[: len(descriptor)], chosen[len(descriptor) :]
                logits = own(descriptor).gather(1, taken[:, None]).sum()
                (weights,) = torch.autograd.grad(logits, descriptor)
                with torch.no_grad():
                    parts.append(fusion.where(moved, weights))
        maps: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
        return maps

    def _fusion(self, levels: Sequence[LevelInfo]) -> FusionLayer:
        return self.context.fusion(levels).requires_grad_(self.fusion_learns)
