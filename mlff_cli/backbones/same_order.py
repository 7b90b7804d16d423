"""Weights under names of their own that stand in the order in which timm lists its tensors."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mlff_cli.errors import UserError


def renamed(model: str, given: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Return a file's tensors under timm's names.

    Args:
        model: timm's name of the architecture.
        given: The tensors, under timm's names in any order, or in timm's order under others.
        file: Where they come from, for messages.

    Raises:
        UserError: Neither; the tensors are not those of this architecture.
    """
    expected = _expected(model)
    if next(iter(expected)) in given:
        return dict(given)
    same = len(given) == len(expected) and all(
        mine.shape == shape for mine, shape in zip(given.values(), expected.values(), strict=True)
    )
    if not same:
        raise UserError(f"{file}: no weights of {model}: the tensors do not fit")
    return dict(zip(expected, given.values(), strict=True))


@cache
def _expected(model: str) -> Mapping[str, tuple[int, ...]]:
    """Return the shapes of timm's tensors by name; making the network takes a tenth of a second."""
    import timm
    import torch

    with torch.device("meta"):  # names and shapes alone
        tensors = timm.create_model(model, pretrained=False).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
