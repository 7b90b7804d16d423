"""Everything between an image of the network's size and what happens to a part, as one module."""

from collections.abc import Mapping
from copy import copy, deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from mlff_cli.backbones.network import Backbone
from mlff_cli.features.pooling import MAPS, mean_inputs, pooled
from mlff_cli.heads.decision import Decision
from mlff_cli.heads.novelty import Novelty, joint_descriptor, level_descriptor
from mlff_cli.images.loading import normalised
from mlff_cli.methods.base import Method

STEADY = 1e-4
"""By what share distances of validation images are taken for larger than they are.

Else these very images, which lie at their own distance, would have another p-value wherever
rounding makes them lie farther away.
"""


class Inspection(nn.Module):
    """Normalising, backbone, pooling, fusion, head, novelty and decision of one product.

    Args:
        method: What was learned; it stays as it is.
        head: Name of the head that answers.
        novelty: How unlike the training images an image is; None where nothing is known.
        decision: How is decided; its threshold and its limit of novelty are given at each call.
        half: Whether the backbone computes in half precision; all behind it never does.
    """

    def __init__(
        self,
        method: Method,
        head: str,
        novelty: Novelty | None,
        decision: Decision,
        *,
        half: bool = False,
    ) -> None:
        super().__init__()
        backbone = method.backbone()
        self.backbone: Backbone = deepcopy(backbone).half() if half else backbone
        self.fusion = method.adapters.fusion_of(head)
        self.head = method.adapters[head]
        self.novelty = steady(novelty) if novelty is not None else None
        self.decision = decision
        self.dtype = torch.float16 if half else torch.float32
        self.reads_features = method.reads_features
        self.eval()

    def forward(
        self, images: Tensor, threshold: Tensor, novelty_limit: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Map uint8 images (B, 3, H, W) of the network's size to what `session.Said` holds."""
        maps = self.maps(images)
        descriptors = self.fusion(self.inputs(maps))
        scores = self.head.scores(self.head(descriptors))
        nothing = scores[:, 0] * torch.nan  # of the scores: as many as there are in a graph too
        p_values = None
        if self.novelty is not None:
            p_values = self.novelty(self.seen(maps, descriptors))
        decision = self._decision(threshold, novelty_limit)
        defects = (
            decision.defect_scores(scores) if decision.has_good else nothing.to(decision.dtype)
        )
        novelty = nothing if p_values is None else 1 - p_values.amax(dim=1)
        return scores, defects, novelty, decision(scores, p_values)

    def maps(self, images: Tensor) -> Mapping[str, Tensor]:
        """Return the map (B, C_l, H_l, W_l) of each level of uint8 images (B, 3, H, W)."""
        prepared = normalised(images, self.backbone.preprocessing).to(self.dtype)
        names = (level.name for level in self.backbone.levels)
        return dict(zip(names, self.backbone(prepared), strict=True))

    def seen(self, maps: Mapping[str, Tensor], descriptors: Tensor) -> Tensor:
        """Return what novelty is told by (B, E): as `calibration.novelty_descriptors`."""
        if not self.reads_features:
            return descriptors
        means = pooled(maps, mean_inputs(self.backbone.levels))
        return joint_descriptor(descriptors, level_descriptor(means))

    def inputs(self, maps: Mapping[str, Tensor]) -> list[Tensor]:
        """Return what the fusion layer reads of the maps of all levels."""
        asked = self.fusion.inputs
        return [
            part.half().float() if self.reads_features and item.pooling in MAPS else part
            for item, part in zip(asked, pooled(maps, asked), strict=True)
        ]

    def _decision(self, threshold: Tensor, novelty_limit: Tensor) -> Decision:
        """Return the decision with numbers that are not known yet when a graph is made."""
        decision: Any = copy(self.decision)
        if decision.threshold is not None:
            decision.threshold = threshold
        decision.novelty = novelty_limit
        return decision  # type: ignore[no-any-return]


def steady(novelty: Novelty) -> Novelty:
    """Return what gives validation images the p-value that they had, whatever is rounded."""
    parts = novelty.parts()
    return Novelty.of_parts(parts | {"distances": parts["distances"] * (1 + STEADY)})
