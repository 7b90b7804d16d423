"""What a fusion layer gave before it learned on: where descriptors are held."""

from collections.abc import Sequence
from copy import deepcopy
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from mlff_cli.features.columns import Columns, everything
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.methods.training import Examples, Taken


class Before:
    """The descriptors that a fusion layer as it is now gives; each example is described once.

    They are kept as long as the columns that hold the examples.
    """

    def __init__(self, fusion: FusionLayer) -> None:
        self._fusion = deepcopy(fusion).eval()
        self._known: WeakKeyDictionary[Examples, Tensor] = WeakKeyDictionary()

    def of(self, taken: Sequence[Taken]) -> Tensor:
        """Return the descriptors (B, D) of what was taken, part after part."""
        return torch.cat([self._all(examples)[positions] for examples, positions in taken])

    @torch.no_grad()
    def _all(self, examples: Examples) -> Tensor:
        if examples not in self._known:
            assert isinstance(examples, Columns)
            self._known[examples] = self._fusion.descriptors(everything(examples))
        return self._known[examples]
