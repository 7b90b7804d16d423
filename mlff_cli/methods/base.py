"""What every method is, and what it is given."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.features.features import Features
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.base import Head
from mlff_cli.methods.adapters import Adapters
from mlff_cli.system.device import Device
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import Record


class Journal:
    """Where a method leaves its state within an experience; this one keeps nothing."""

    def resume(self) -> Mapping[str, Any] | None:
        """Return the state left by a run that broke off within this experience."""
        return None

    def epoch_done(self, epoch: int, epochs: int, state: Callable[[], Mapping[str, Any]]) -> None:
        """Hear that an epoch (from 1) is done; `state()` gives what a resumed run needs."""

    def interrupted(self, state: Mapping[str, Any]) -> None:
        """Hear what a resumed run needs, right before this one breaks off."""


@dataclass
class Context:
    """What a method works with.

    Attributes:
        fusion: Makes a fusion layer for levels.
        head: Makes a head for a descriptor width and a number of outputs.
        views: How many fixed variations of each image a frozen method trains on; 0: new ones in
            every epoch.
        augmentation: Changes of an image that leave its label true.
        journal: Keeps what a run needs that breaks off within an experience.
    """

    recipe: BackboneRecipe
    features: Features
    fusion: Callable[[Sequence[Any]], FusionLayer]
    head: Callable[[int, int], Head]
    device: Device
    seed: int
    views: int = 1
    augmentation: Sequence[str] = ()
    journal: Journal = field(default_factory=Journal)


class Method(ABC):
    """How an experience is learned. A subclass takes a context and the keys of its YAML."""

    all_at_once = False
    """Whether it learns every experience together, as one."""

    reads_features: ClassVar[bool] = True
    """Whether it learns from the features of a frozen backbone, which runs can share."""

    context: Context
    adapters: Adapters
    head_is_new = True

    def begin(self, experience: Experience) -> None:
        """Make the head that reads the experience, or let a shared one grow."""
        torch.manual_seed(self._number(experience, 0))
        self.head_is_new = experience.head not in self.adapters
        self.adapters.prepare(experience.head, len(experience.outputs))

    def prepare(self, records: Sequence[Record]) -> None:  # noqa: B027 most need nothing
        """Hear which images an experience will need, so that they can be seen in one pass."""

    def reads(self, experience: Experience) -> bool:
        """Return whether the experience's head is there and has all of its outputs."""
        if experience.head not in self.adapters:
            return False
        return self.adapters[experience.head].output.out_features >= len(experience.outputs)

    @abstractmethod
    def learn(self, experience: Experience) -> None:
        """Train on the experience's training images."""

    def learn_all(self, experiences: list[Experience]) -> None:
        """Train on several experiences together: what a method `all_at_once` is asked instead."""
        raise NotImplementedError(f"{type(self).__name__} learns one experience after another")

    @abstractmethod
    def outputs(self, head: str, records: Sequence[Record]) -> Tensor:
        """Return what a head gives for records: (N, O) scores on the CPU, in eval mode."""

    def scores(self, experience: Experience, records: Sequence[Record]) -> NDArray[np.float32]:
        """Return the scores (N, O) of records of an experience: as its head's metrics take them."""
        result: NDArray[np.float32] = self.outputs(experience.head, records).numpy()
        return result

    @abstractmethod
    def trained(self) -> Sequence[nn.Module]:
        """Return the modules whose parameters train."""

    def trainable_parameters(self) -> int:
        """Return the number of parameters that train, heads included."""
        return sum(
            parameter.numel()
            for module in self.trained()
            for parameter in module.parameters()
            if parameter.requires_grad
        )

    def full_parameters(self) -> int:
        """Return the number that full fine-tuning with plain linear heads would train."""
        facts = self.context.features.facts
        width = facts.levels[-1].channels
        heads = sum((width + 1) * head.output.out_features for head in self.adapters.heads)
        return facts.parameters + heads

    def state(self) -> dict[str, Tensor]:
        """Return everything that was learned, by name."""
        return {
            f"adapters.{name}": tensor.detach().cpu().clone()
            for name, tensor in self.adapters.state_dict().items()
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned; heads must have been prepared."""
        self.adapters.load_state_dict(
            {name.removeprefix("adapters."): tensor for name, tensor in state.items()}
        )

    def _number(self, experience: Experience, epoch: int) -> int:
        """Return a seed of its own for every run, experience and epoch: position is state."""
        sequence = np.random.SeedSequence([self.context.seed, experience.index, epoch])
        return int(sequence.generate_state(1, np.uint64)[0])
