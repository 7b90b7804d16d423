"""What `mlff predict` is given, opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.runs.answer import Answering
from mlff_cli.runs.export.predictor import SUFFIX, opened_file

if TYPE_CHECKING:
    from mlff_cli.runs.deciding import DecisionSettings
    from mlff_cli.runs.deployed import Deployed


def predictor_of(path: Path, config: Mapping[str, Any], *, look: bool) -> Answering:
    """Open the folder of a finished run, a bundle, or an exported file, to predict with.

    Args:
        path: What is opened.
        config: Of the command: product, decision, device, places.
        look: Whether to say where the network looked.

    Raises:
        UserError: There is nothing to predict with, or not what is asked for.
    """
    if is_exported(path):
        return opened_file(path, config)
    return answering(*deployed_of(path, config), config, look=look)


def answering(
    deployed: "Deployed",
    usual: "DecisionSettings | None",
    config: Mapping[str, Any],
    *,
    look: bool,
) -> Answering:
    """Return what answers with what is opened already; `usual` is how a bundle decides."""
    from mlff_cli.runs.deciding import DecisionSettings
    from mlff_cli.runs.predicting import Predictor

    return Predictor(deployed, config["product"], DecisionSettings.of_config(config, usual), look)


def is_exported(path: Path) -> bool:
    """Return whether something is a file of `mlff export`."""
    return path.suffix.lower() == SUFFIX and not path.is_dir()


def deployed_of(
    path: Path, config: Mapping[str, Any]
) -> "tuple[Deployed, DecisionSettings | None]":
    """Open the folder of a finished run or a bundle; return also how the bundle decides.

    Raises:
        UserError: There is no such run or bundle.
    """
    # Here and not above: torch is imported for them.
    from mlff_cli.runs.bundle.answering import Bundle
    from mlff_cli.runs.bundle.description import BUNDLE
    from mlff_cli.runs.deployed import of_run
    from mlff_cli.runs.reopen import reopen

    weights = config["backbone"]["weights"]
    batch_size = config.get("batch_size") or (1 if config.get("watch") else None)
    if path.suffix.lower() == BUNDLE:
        bundle = Bundle(path, trainer=config["trainer"], paths=config["paths"], weights=weights)
        if batch_size:
            bundle.config["trainer"]["batch_size"] = batch_size
        return bundle.deployed(), bundle.settings
    opened = reopen(path, trainer=config["trainer"], paths=config["paths"], keep_features=False)
    if weights is not None:
        opened.config["backbone"] = {**opened.config["backbone"], "weights": weights}
    if batch_size:
        opened.config["trainer"]["batch_size"] = batch_size
    return of_run(opened), None
