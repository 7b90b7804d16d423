"""What a run knows of its own images beside scores: how unlike them another image is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mlff_cli.features.columns import everything
from mlff_cli.features.pooling import mean_inputs
from mlff_cli.heads.novelty import Novelty, joint_descriptor, level_descriptor
from mlff_cli.methods.base import Method
from mlff_cli.tasks.record import ImageSource

TRUTHS = "truths"


@dataclass(frozen=True)
class HeadCalibration:
    """What is known of the images of a head.

    Attributes:
        novelty: How unlike them an image is, told by its `novelty_descriptors`.
        truths: (M,), scores of the true class of validation images, ascending; empty where several
            outputs may be right.
    """

    novelty: Novelty
    truths: Tensor


@dataclass(frozen=True)
class Calibration:
    """What is known of the images of a run, by the names of heads and of experiences.

    Attributes:
        heads: Empty of those that had no validation images.
        experiences: How unlike its images an image is by the means of all levels, which nothing
            was trained on: by these the experience is found that an image belongs to.
    """

    heads: Mapping[str, HeadCalibration] = field(default_factory=dict)
    experiences: Mapping[str, Novelty] = field(default_factory=dict)

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors; their names tell whose they are."""
        named = {
            ("head", head, part): tensor
            for head, own in self.heads.items()
            for part, tensor in (own.novelty.parts() | {TRUTHS: own.truths}).items()
        }
        named |= {
            ("experience", name, part): tensor
            for name, own in self.experiences.items()
            for part, tensor in own.parts().items()
        }
        return {json.dumps(key, ensure_ascii=False): tensor for key, tensor in named.items()}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> "Calibration":
        """Return what `tensors` was made of.

        Raises:
            ValueError, KeyError: Something is missing or of another kind.
        """
        parts: dict[tuple[str, str], dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            kind, name, part = json.loads(key)
            parts.setdefault((kind, name), {})[part] = tensor
        return cls(
            {
                name: HeadCalibration(Novelty.of_parts(own), own[TRUTHS].float())
                for (kind, name), own in parts.items()
                if kind == "head"
            },
            {
                name: Novelty.of_parts(own)
                for (kind, name), own in parts.items()
                if kind == "experience"
            },
        )


def level_descriptors(method: Method, images: Sequence[ImageSource]) -> Tensor:
    """Return the means of all levels (N, U) of images: what tells products apart."""
    features, read = method.context.features, method.adapters.fusion.inputs
    inputs = mean_inputs(features.levels)
    # With all that answers need, such that images go through the backbone once.
    features.ensure(images, [*read, *inputs])
    columns = features.read(images, inputs)
    return torch.cat([without_gaps(level_descriptor(part)) for part in everything(columns)])


def without_gaps(descriptors: Tensor) -> Tensor:
    """Return descriptors in which an image that is missing, which is NaN, says nothing."""
    return descriptors.nan_to_num(nan=0.0)


def novelty_descriptors(
    method: Method, images: Sequence[ImageSource], descriptors: Tensor
) -> Tensor:
    """Return what novelty is told by (N, E) of images, and of what a head reads of them (N, D).

    Where the backbone itself learns there is nothing beside that.
    """
    if not method.reads_features:
        return descriptors.cpu()
    return joint_descriptor(descriptors.cpu(), level_descriptors(method, images))
