"""Training images held out to choose by, where none are kept aside for validation."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mlff_cli.tasks.record import Record

HELD_OUT = 5
"""One in so many groups is held out."""


def held_out(records: Sequence[Record], seed: int) -> Tensor:
    """Return which records (N,) are held out: of a fifth of the groups, drawn by the seed.

    At least one group is, and one is not; with a single group no record is held out.
    """
    units = sorted({record.unit for record in records})
    count = min(max(1, len(units) // HELD_OUT), len(units) - 1)
    drawn = np.random.default_rng(seed).permutation(len(units))[:count]
    held = {units[place] for place in drawn}
    return torch.tensor([record.unit in held for record in records])
