"""In which type a feature is kept."""

import torch
from torch import Tensor

from mlff_cli.errors import UserError
from mlff_cli.features.pooling import MAPS


def as_kept(name: str, column: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a column (N, ...) of the feature `name` in the type that a store keeps it in.

    Maps are float16 in any store: they are most of its bytes, and what reads them does not need
    more digits. All others have the store's `dtype`.

    Raises:
        UserError: A value is beyond the range of float16.
    """
    is_map = name.rpartition("/")[2] in MAPS
    values = column.to(torch.float16 if is_map else dtype)
    if values.dtype == torch.float16 and not torch.equal(values.isfinite(), column.isfinite()):
        if is_map:
            raise UserError(
                f"'{name}' has values above 65,504, and maps are stored as float16, which cannot "
                "hold them; choose a fusion layer that reads no maps (fusion=conv1x1), or other "
                "levels (backbone.levels)"
            )
        raise UserError(
            f"features.dtype=float16 cannot hold values of '{name}' above 65,504; "
            "use features.dtype=float32"
        )
    return values
