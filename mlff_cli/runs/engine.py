"""What computes a run's features: what `backbone.engine=auto` means on this installation.

Known without importing torch, but for a backbone of timm's that was never tried before.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlff_cli.backbones.engines import AUTO, ENGINE_VERSION, GRAPHS, ONNX, PLAIN, TORCH
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.config.levels import with_tapped
from mlff_cli.errors import UserError
from mlff_cli.runs.registry import implementation
from mlff_cli.system.accelerator import default_device
from mlff_cli.system.files import write_atomically
from mlff_cli.system.onnx_runtime import can_export_and_run

Config = Mapping[str, Any]

TRAIN_THE_BACKBONE = ("finetune",)
"""Methods that learn the network itself: it stays plain."""

PROVEN = (
    "dinov2_small",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "mobilenet_v2",
    "resnet18",
    "resnet50",
)
"""Backbones of which tests hold that they can be written as graphs; others are tried."""


def engine_of(config: Config) -> str:
    """Return the engine of a config: torch, onnxruntime, openvino or plain, never auto.

    Raises:
        UserError: The backbone has to be tried and its weights are not to be had.
    """
    asked = str(config["backbone"].get("engine", PLAIN))
    if (config.get("method") or {}).get("name") in TRAIN_THE_BACKBONE:
        return PLAIN
    if asked == AUTO:
        asked = ONNX if _on_processor(config) and can_export_and_run() else TORCH
    return TORCH if asked in GRAPHS and why_no_graph(config) else asked


def with_engine(config: Config) -> dict[str, Any]:
    """Return a config that names its engine; `engine_of` gives the same of it wherever it is."""
    return {**config, "backbone": {**config["backbone"], "engine": engine_of(config)}}


def why_no_graph(config: Config) -> str | None:
    """Return why a backbone cannot be written as a graph; None where it can, or cannot be tried.

    It is tried once per installation, with the usual poolings, and that graph is kept.
    """
    backbone = with_tapped(config)["backbone"]
    if backbone.get("name") in PROVEN or not can_export_and_run():
        return None
    return _tried(json.dumps([dict(backbone), config["data"]["image_size"]]), _graphs(config))


@cache
def _tried(facts: str, folder: Path) -> str | None:
    """Return what a file in the folder says of a backbone, tried where there is none."""
    section, image_size = json.loads(facts)
    kinds = {key: value for key, value in section.items() if key not in ("weights", "engine")}
    made_with = [version("torch"), version("timm"), version("onnxscript"), ENGINE_VERSION]
    key = hashlib.sha256(json.dumps([kinds, image_size, made_with]).encode()).hexdigest()[:32]
    file = folder / f"{key}.json"
    try:
        reason = json.loads(file.read_text(encoding="utf-8"))["no_graph"]
    except (OSError, ValueError, KeyError, TypeError):
        reason = _trial(section, image_size, folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps({"backbone": kinds, "no_graph": reason}) + "\n")
    return None if reason is None else str(reason)


def _trial(section: Config, image_size: Any, folder: Path) -> str | None:
    from mlff_cli.features.graphs import graph_engine
    from mlff_cli.features.pooling import standard_inputs

    keys = {**section, "engine": ONNX}
    recipe = implementation("backbones", keys, BackboneRecipe)(image_size=image_size)
    network = recipe.build()
    try:
        graph_engine(recipe, standard_inputs(network.levels), folder, lambda: network)
    except UserError as error:
        return str(error)
    return None


def _graphs(config: Config) -> Path:
    return Path(config["paths"]["graphs"]).expanduser()


def _on_processor(config: Config) -> bool:
    trainer = config.get("trainer") or {}
    device = trainer.get("device", AUTO)
    device = default_device() if device == AUTO else device
    return device == "cpu" and trainer.get("precision", AUTO) in (AUTO, "fp32")
