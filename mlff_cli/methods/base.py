"""What every method is, and what it is given."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from mlff_cli.backbones.network import Backbone
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.errors import UserError
from mlff_cli.features.columns import Columns
from mlff_cli.features.features import Features
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.base import Head
from mlff_cli.methods.adapters import Adapters
from mlff_cli.system.device import Device
from mlff_cli.tasks.absent import is_absent
from mlff_cli.tasks.experience import Experience, Step
from mlff_cli.tasks.record import ImageSource


class Journal:
    """Where a method leaves its state within a step; this one keeps nothing."""

    def resume(self) -> Mapping[str, Any] | None:
        """Return the state left by a run that broke off within this step."""
        return None

    def epoch_done(self, epoch: int, epochs: int, state: Callable[[], Mapping[str, Any]]) -> None:
        """Take note that an epoch (from 1) is done; `state()` gives what a resumed run needs."""

    def interrupted(self, state: Mapping[str, Any]) -> None:
        """Take what a resumed run needs, right before this one breaks off."""


@dataclass(frozen=True)
class Context:
    """What a method works with.

    Attributes:
        fusion: Makes a fusion layer for levels.
        shared_fusion: True: all heads read one fusion layer; "auto": each has its own where the
            method can train them so; False: as "auto", and refused where that would be one.
        head: Makes a head for a descriptor's width and the names of its outputs.
        variations: How many stored variations of each image a method on a frozen backbone trains
            on, the plain image among them; 0: new ones in every epoch.
        kinds: What a variation may do to an image because it leaves the label true.
    """

    features: Features
    fusion: Callable[[Sequence[Any]], FusionLayer]
    head: Callable[[int, Sequence[str]], Head]
    device: Device
    seed: int
    variations: int = 1
    kinds: Sequence[str] = ()
    shared_fusion: bool | Literal["auto"] = True

    @property
    def recipe(self) -> BackboneRecipe:
        """Which backbone it is."""
        return self.features.recipe


@dataclass(frozen=True)
class State:
    """Everything that was learned.

    Attributes:
        heads: The outputs of each head by its name.
        tensors: What scores images, by name.
        kept: What only learning on needs, by name: exemplars, sums.
        whole: Whether these are all tensors; else those alone that a step changed.
    """

    heads: Mapping[str, tuple[str, ...]]
    tensors: Mapping[str, Tensor]
    kept: Mapping[str, Tensor] = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True)
class Remembered:
    """Training images of before.

    Attributes:
        columns: Their features: what the fusion layer reads.
        descriptors: What the head reads of them (N, D).
        targets: As the head gives them: (N,) or (N, O).
    """

    columns: Columns
    descriptors: Tensor
    targets: Tensor


class Method(ABC):
    """How a sequence is learned. A subclass takes a context and the keys of its YAML."""

    reads_features: ClassVar[bool] = True
    """Whether it works on stored features; else the backbone itself learns."""

    own_fusion: ClassVar[bool] = False
    """Whether each head can have a fusion layer of its own; else one serves all heads."""

    context: Context
    adapters: Adapters

    def steps(self, experiences: Sequence[Experience]) -> list[Step]:
        """Return what is learned at once: most methods learn one experience after another."""
        return [Step((experience,)) for experience in experiences]

    def begin(self, step: Step) -> None:
        """Make the heads that read a step, or let shared ones grow. Called before `learn`.

        Raises:
            UserError: `fusion.shared=false` where heads cannot have fusion layers of their own.
        """
        for experience in step.experiences:
            self._refuse_false(experience)
            self.context.device.seed(self.seed_of(experience.index, 0))
            self.adapters.provide(experience.head, experience.outputs)

    @abstractmethod
    def learn(self, step: Step, journal: Journal) -> None:
        """Learn from the training images of a step that has begun."""

    @abstractmethod
    def answers(
        self, head: str, images: Sequence[ImageSource]
    ) -> tuple[NDArray[np.float32], Tensor]:
        """Return what a head gives for images, and what it reads of them.

        Returns:
            Scores (N, O) as metrics take them, and descriptors (N, D).
        """

    @abstractmethod
    def backbone(self) -> Backbone:
        """Return the network whose levels the fusion layers read; whoever asks changes nothing."""

    def scores(self, head: str, images: Sequence[ImageSource]) -> NDArray[np.float32]:
        """Return what a head gives for images: (N, O), as metrics take it."""
        return self.answers(head, images)[0]

    @property
    def has_places(self) -> bool:
        """Whether `where` tells what each place of an image adds."""
        return False

    def where(
        self, head: str, images: Sequence[ImageSource], outputs: Sequence[int]
    ) -> NDArray[np.float32]:
        """Return how much each place of an image speaks for an output, if it `has_places`.

        Args:
            head: Name of the head that answers.
            images: N of them.
            outputs: For each image the place of the output that is explained.

        Returns:
            (N, H, W), on a coarse grid.
        """
        raise NotImplementedError

    @abstractmethod
    def trained(self) -> Mapping[str, nn.Module]:
        """Return the modules that hold what is learned, by name."""

    @property
    def heads(self) -> Mapping[str, tuple[str, ...]]:
        """The outputs that each head answers with, by its name."""
        return self.adapters.outputs

    def part(self, head: str) -> Mapping[str, Tensor]:
        """Return everything learned that an answer of this head depends on, by name."""
        return self.adapters.part(head)

    def can_read(self, images: Sequence[ImageSource]) -> bool:
        """Return whether all that it reads of images is at hand."""
        return not any(map(is_absent, images))

    def exemplars(self, head: str, experience: str) -> Remembered | None:
        """Return what is kept of an old experience's training images; None where nothing is."""
        return None

    def level_weights(self) -> dict[str, float]:
        """Return the share of each level in the descriptor; empty where none is learned.

        Of several fusion layers it is the mean.
        """
        shares = [layer.level_weights() for layer in self.adapters.fusion_layers()]
        return {name: fmean(layer[name] for layer in shares) for name in shares[0]}

    def trainable_parameters(self) -> int:
        """Return the number of parameters that train: those of all fusion layers and heads."""
        parameters = self._whole().parameters()
        return sum(parameter.numel() for parameter in parameters if parameter.requires_grad)

    def full_parameters(self) -> int:
        """Return the number that full fine-tuning with plain linear heads would train."""
        facts = self.context.features.facts
        outputs = sum(map(len, self.heads.values()))
        return facts.parameters + (facts.levels[-1].channels + 1) * outputs

    def state(self) -> State:
        """Return everything that was learned, on the CPU."""
        tensors = self._whole().state_dict().items()
        learned = {name: tensor.detach().cpu().clone() for name, tensor in tensors}
        return State(dict(self.heads), learned, self.kept())

    def kept(self) -> Mapping[str, Tensor]:
        """Return what only learning on needs, on the CPU, by name; most methods keep nothing."""
        return {}

    @property
    def heads_are_apart(self) -> bool:
        """Whether learning a step changes nothing that heads of other steps answer by."""
        return False

    def changed_state(self, step: Step) -> State | None:
        """Return what learning a step changed of the `state`, with all heads and all that is kept.

        None where it may be anything.
        """
        return None

    def load(self, state: State) -> None:
        """Make the heads that a state names, and take its tensors.

        Raises:
            RuntimeError: The tensors do not fit.
        """
        for name, outputs in state.heads.items():
            self.adapters.provide(name, outputs)
        self._whole().load_state_dict(state.tensors)

    def seed_of(self, index: int, epoch: int) -> int:
        """Return a seed of its own for every run, experience and epoch: position is state."""
        sequence = np.random.SeedSequence([self.context.seed, index, epoch])
        return int(sequence.generate_state(1, np.uint64)[0])

    def _refuse_false(self, experience: Experience) -> None:
        if self.context.shared_fusion is not False:
            return
        if not self.own_fusion:
            raise UserError(
                "fusion.shared=false: this method has one fusion layer for all heads (only "
                "method=mlff can have one for each); give fusion.shared=auto"
            )
        if experience.head != experience.name:
            raise UserError(
                f"fusion.shared=false: experience '{experience.name}' has no head of its own that "
                "could read a fusion layer of its own; give fusion.shared=auto, or "
                "schedule.heads=separate"
            )

    def _whole(self) -> nn.ModuleDict:
        return nn.ModuleDict(self.trained())
