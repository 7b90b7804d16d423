"""What `mlff predict` is given, opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlff_cli.runs.answer import Answering
from mlff_cli.runs.export.predictor import SUFFIX, opened_file


def predictor_of(path: Path, config: Mapping[str, Any], *, look: bool) -> Answering:
    """Open the folder of a finished run, a bundle, or an exported file, to predict with.

    Args:
        path: What is opened.
        config: Of the command: product, decision, device, places.
        look: Whether to say where the network looked.

    Raises:
        UserError: There is nothing to predict with, or not what is asked for.
    """
    if path.suffix.lower() == SUFFIX and not path.is_dir():
        return opened_file(path, config)
    # Here and not above: torch is imported for them.
    from mlff_cli.runs.bundle.answering import Bundle
    from mlff_cli.runs.bundle.description import BUNDLE
    from mlff_cli.runs.deciding import DecisionSettings
    from mlff_cli.runs.deployed import of_run
    from mlff_cli.runs.predicting import Predictor
    from mlff_cli.runs.reopen import reopen

    weights = config["backbone"]["weights"]
    batch_size = config.get("batch_size") or (1 if config.get("watch") else None)
    if path.suffix.lower() == BUNDLE:
        bundle = Bundle(path, trainer=config["trainer"], paths=config["paths"], weights=weights)
        if batch_size:
            bundle.config["trainer"]["batch_size"] = batch_size
        asked = DecisionSettings.of_config(config, bundle.settings)
        return Predictor(bundle.deployed(), config["product"], asked, look)
    opened = reopen(path, trainer=config["trainer"], paths=config["paths"], keep_features=False)
    if weights is not None:
        opened.config["backbone"] = {**opened.config["backbone"], "weights": weights}
    if batch_size:
        opened.config["trainer"]["batch_size"] = batch_size
    settings = DecisionSettings.of_config(config)
    return Predictor(of_run(opened), config["product"], settings, look)
