"""What runs on several images of each part do, and what they cannot do."""

from collections.abc import Mapping
from typing import Any

from mlff_cli.config.modalities import several
from mlff_cli.errors import UserError
from mlff_cli.methods.base import Method


def modalities_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the images of each part; empty where there is one."""
    return several(config["data"].get("modalities"))


def refuse_one_image(config: Mapping[str, Any], method: type[Method]) -> None:
    """Raise `UserError` where a method reads images themselves, of which it takes one."""
    if not method.reads_features:
        raise UserError(
            f"method={config['method']['name']}: the backbone itself learns from one image of each "
            "part; give one of data.modalities alone, or a method on a frozen backbone"
        )


def refuse_several(config: Mapping[str, Any], what: str) -> None:
    """Raise `UserError` where a run reads several images of each part; `what` takes one."""
    if names := modalities_of(config):
        raise UserError(
            f"{what}: takes one image of each part, and this run reads {len(names)} "
            f"({', '.join(names)}); predict with the run itself: mlff predict <run> <images>"
        )


def refuse_other_modalities(config: Mapping[str, Any], others: Mapping[str, Any]) -> None:
    """Raise `UserError` where other images of a part are read than a run has learned from."""
    own, theirs = (modalities_of(each) for each in (config, others))
    if own != theirs:
        raise UserError(
            f"data.modalities: the run reads {', '.join(own) or 'one image'} of each part, and "
            f"dataset={others['data']['name']} has {', '.join(theirs) or 'one'}; give images of "
            "the same kind (one that is missing here and there is an empty cell or no file)"
        )
