"""From a checked config to the objects of a run; the one place where names become classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.data.base import Dataset
from mlff_cli.errors import UserError
from mlff_cli.features.features import Features, Store
from mlff_cli.features.store.disk import FeatureSpace, FeatureStore
from mlff_cli.features.store.memory import MemoryStore
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.base import Head
from mlff_cli.methods.base import Context, Method
from mlff_cli.runs.registry import class_of, implementation
from mlff_cli.system.device import Device
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.sequence import sequence
from mlff_cli.tasks.splits import split_records

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """A dataset, split and cut into experiences."""

    records: list[Record]
    splits: Mapping[str, str]
    experiences: list[Experience]
    skipped: list[tuple[str, str]]


def build_task(config: Config, *, only_scored: bool = False) -> Task:
    """List the records, split them by group and cut them into experiences.

    With `only_scored` nothing is split: the images are another dataset's, and all of them count.
    """
    dataset = implementation("data", config["data"], Dataset)()
    records = dataset.records()
    if not records:
        raise UserError(f"dataset={config['data']['name']}: there is no image")
    splits: Mapping[str, str] = dict.fromkeys((record.name for record in records), "test")
    if not only_scored:
        splits = split_records(
            records,
            test=config["splits"]["test"],
            validation=config["splits"]["validation"],
            seed=config["seed"],
            per_batch=config["schedule"]["line"] == "batch",
        )
    target_names: tuple[str, ...] = ()
    if config["head"]["name"] == "regressor":
        target_names = dataset.target_names
        if not target_names:
            raise UserError(
                f"head=regressor: dataset={config['data']['name']} has labels and no targets; "
                "choose head=classifier, or a dataset with targets (of dataset=placement they are "
                "data.labelling=offsets)"
            )
    experiences = sequence(
        records,
        splits,
        order=() if only_scored else config["order"],
        target_names=target_names,
        only_scored=only_scored,
        **{key: value for key, value in config["schedule"].items() if key != "name"},
    )
    return Task(records, splits, experiences, list(getattr(dataset, "skipped", [])))


def build_features(config: Config, device: Device) -> Features:
    """Make the seam between images and fusion layers, with the store that is configured."""
    recipe = implementation("backbones", config["backbone"], BackboneRecipe)(
        image_size=config["data"]["image_size"]
    )
    kinds = config["data"]["variations"]
    if not config["features"]["store"]:
        return Features(recipe, MemoryStore(), device, kinds=kinds)
    folder = Path(config["paths"]["features"]).expanduser()
    space = FeatureSpace(recipe.fingerprint, recipe.preprocessing, description=recipe.description)
    store: Store = FeatureStore(folder, space, dtype=config["features"]["dtype"])
    return Features(recipe, store, device, folder, kinds)


def build_method(config: Config) -> Method:
    """Make the method with everything that it works with."""
    trainer = {
        key: config["trainer"][key] for key in ("device", "precision", "workers", "batch_size")
    }
    device = Device.choose(**trainer)
    features = build_features(config, device)
    context = Context(
        features=features,
        fusion=implementation("fusion", config["fusion"], FusionLayer),
        head=implementation("heads", config["head"], Head),
        device=device,
        seed=config["seed"],
        variations=config["features"]["variations"],
        kinds=config["data"]["variations"],
    )
    return implementation("methods", config["method"], Method)(context)


def head_class(config: Config) -> type[Head]:
    """Return the kind of head that is configured: it says what a record's target is."""
    return class_of("heads", config["head"], Head)
