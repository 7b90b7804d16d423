"""Small configs and runs from the shipped YAML files, and weight files made on the spot."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mlff_cli.backbones.torchvision_remedy import import_torchvision
from mlff_cli.config.schema import check
from mlff_cli.config.shipped import SECTIONS, shipped
from mlff_cli.runs.building import build_method, build_scorer, build_task
from mlff_cli.runs.checkpoints import Checkpoints
from mlff_cli.runs.listing import listing_of
from mlff_cli.runs.loop import learn_sequence
from mlff_cli.runs.prediction_log import PredictionLog
from mlff_cli.tasks.task import Task

CHOICES = {
    "data": "surfaces",
    "schedule": "by_product",
    "backbone": "efficientnet_lite0",
    "fusion": "conv1x1",
    "head": "classifier",
    "method": "mlff",
    "trainer": "default",
    "paths": "default",
    "tracker": "none",
}
"""What `mlff train` chooses when nothing is said."""

SMALL: dict[str, Any] = {
    "data.image_size": 32,
    "trainer.device": "cpu",
    "backbone.engine": "plain",
    "trainer.precision": "fp32",
    "trainer.workers": 0,
    "trainer.batch_size": 8,
    "method.epochs": 2,
    "method.batch_size": 8,
}


def small_config(folder: Path, **choices: Any) -> dict[str, Any]:
    """Return a checked config of `mlff train`: runs and features lie in `folder`.

    A section's name picks a choice (`method="joint"`); further keys stand in `keys`, dotted.
    """
    keys = choices.pop("keys", {})
    picked = {**CHOICES, **choices}
    if picked["method"] in ("linear_probe", "finetune"):
        picked["fusion"] = choices.get("fusion", "deepest")
    if picked["method"] == "closed_form":
        picked["fusion"] = choices.get("fusion", "normalised_means")
    config = deepcopy(shipped("train"))
    for section, group in SECTIONS.items():
        config[section] = deepcopy(shipped(f"{group}/{picked[section]}"))
    config["task"] = {"name": "small", "title": "Small"}
    config["paths"] |= {name: str(folder / name) for name in ("runs", "features", "graphs")}
    if picked["data"] == "surfaces":
        keys = {"data.images_per_class": 4, **keys}
    untrained = picked["method"] == "closed_form"
    small = {k: v for k, v in SMALL.items() if not (untrained and k.startswith("method."))}
    for key, value in {**small, **keys}.items():
        section, _, name = key.rpartition(".")
        (config[section] if section else config)[name] = value
    check(config, "train")
    return config


def changed(config: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a config in which a dotted key has another value."""
    other = deepcopy(config)
    *sections, name = key.split(".")
    section = other
    for part in sections:
        section = section[part]
    section[name] = "another"
    return other


def tiny_backbone(weights_of: Any) -> dict[str, Any]:
    """Return the keys of a network of 82,000 parameters, its weights from a file."""
    weights = str(weights_of("test_efficientnet"))
    return {"backbone.model": "test_efficientnet", "backbone.weights": weights}


def task_of(config: dict[str, Any]) -> Task:
    """Return the task of a config, its images listed."""
    return build_task(config, listing_of(config))


def learned(config: dict[str, Any], state: Path, **arguments: Any) -> tuple[Any, Any]:
    """Train to the end (or to what a test breaks off at); return method and outcome."""
    task = task_of(config)
    method = build_method(config)
    scorer = build_scorer(config, config["splits"]["scored"])
    contents = listing_of(config).content_of
    state.mkdir(parents=True, exist_ok=True)
    outcome = learn_sequence(
        method,
        task.experiences,
        scorer=scorer,
        checkpoints=Checkpoints(state),
        predictions=PredictionLog(
            state / "predictions.csv", task.experiences, scorer.kind, contents
        ),
        **arguments,
    )
    return method, outcome


def matrix_bytes(outcome: Any, folder: Path) -> bytes:
    """Return what the run's matrix.csv would hold."""
    outcome.matrix.to_csv(folder / "matrix.csv")
    return (folder / "matrix.csv").read_bytes()


def random_state(model: str, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return a state dict of timm's model with random weights and BatchNorm statistics."""
    import_torchvision()
    import timm

    torch.manual_seed(seed)
    state: dict[str, torch.Tensor] = timm.create_model(model, pretrained=False).state_dict()
    for name, tensor in state.items():
        if name.endswith("running_mean"):
            tensor.normal_(std=0.1)
        elif name.endswith("running_var"):
            tensor.uniform_(0.8, 1.2)
    return state


def digits_manifest(folder: Path, header: str, row: Any, count: int = 240) -> Path:
    """Write scikit-learn's digits as PNGs of various scale, and a manifest; return its path.

    `row(digit, scale)` gives the cells behind the path; the scale is the side of the digit on an
    image of 64 x 64 pixels.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    lines = [f"path,{header}"]
    for index in range(count):
        side = 24 + 8 * (index % 6)
        pixels = (digits.images[index] * 15.9).astype(np.uint8)
        picture = Image.new("L", (64, 64))
        scaled = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
        picture.paste(scaled, ((64 - side) // 2,) * 2)
        picture.save(folder / f"{index:03d}.png")
        lines.append(f"{index:03d}.png,{row(int(digits.target[index]), side)}")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest
