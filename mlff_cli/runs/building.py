"""From a checked config to the objects of a run; the one place where names become classes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.config.levels import chosen, with_tapped
from mlff_cli.errors import UserError
from mlff_cli.features.features import Features, Store
from mlff_cli.features.modalities import ModalityFeatures
from mlff_cli.features.store.disk import FeatureSpace, FeatureStore
from mlff_cli.features.store.memory import MemoryStore
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.fusion.modalities import ModalityFusion
from mlff_cli.heads.base import Head
from mlff_cli.methods.base import Context, Method
from mlff_cli.metrics import registry
from mlff_cli.runs.engine import with_engine
from mlff_cli.runs.listing import Listing
from mlff_cli.runs.modalities import modalities_of, refuse_one_image
from mlff_cli.runs.registry import class_of, implementation
from mlff_cli.runs.scoring import Scorer
from mlff_cli.system.device import Device
from mlff_cli.tasks.experience import SPLITS, Experience, SplitName
from mlff_cli.tasks.task import Task, make_task

Config = Mapping[str, Any]


def build_task(
    config: Config,
    listing: Listing,
    *,
    only_scored: bool = False,
    before: Sequence[Experience] = (),
) -> Task:
    """Split the records of a listing by group and cut them into experiences.

    With `only_scored` nothing is split: the images are another dataset's, all of them are tested.
    Experiences of a run that this one goes on from stand `before` them.

    Raises:
        UserError: What is to be learned cannot be trained or scored, or is not of the kind that
            the head reads.
    """
    target_names: tuple[str, ...] = ()
    head = class_of("heads", config["head"]["name"], Head)
    if head.answers == "targets":
        target_names = listing.target_names
        if not target_names:
            raise UserError(
                f"head={config['head']['name']}: dataset={config['data']['name']} has labels and "
                "no targets; choose head=classifier, or a dataset with targets (of "
                "dataset=placement they are data.labelling=offsets)"
            )
    splits = {**config["splits"], "scored": "test"} if only_scored else config["splits"]
    schedule = {key: value for key, value in config["schedule"].items() if key != "name"}
    if before:
        schedule["unseen"] = None  # whatever comes later is learned
    task = make_task(
        listing.records,
        **schedule,
        **splits,
        seed=config["seed"],
        order=() if only_scored else config["order"],
        target_names=target_names,
        only_scored=only_scored,
        skipped=listing.skipped,
        before=before,
    )
    if not only_scored:
        _refuse_unreadable(task, head)
    return task


def _refuse_unreadable(task: Task, head: type[Head]) -> None:
    """Raise `UserError` where a record has not the labels or targets that the head learns from."""
    for experience in task.experiences:
        if experience.learned:
            for split in SPLITS:
                head.targets(experience.split(split), experience.outputs)


def build_device(config: Config) -> Device:
    """Choose where to compute, how precisely, with how many processes and images at a time."""
    keys = ("device", "precision", "workers", "batch_size")
    return Device.choose(**{key: config["trainer"][key] for key in keys})


def build_features(config: Config, device: Device, listing: Listing | None = None) -> Features:
    """Make the seam between images and fusion layers, with the store that is configured.

    Images of the listing are not hashed again.
    """
    known = listing.content_of if listing else {}
    config = with_tapped(config)
    section = config["backbone"]
    if "engine" in section:  # a backbone of one's own need not have the key
        section = with_engine(config)["backbone"]
    recipe = implementation("backbones", section, BackboneRecipe)(
        image_size=config["data"]["image_size"]
    )
    graphs = Path(config["paths"]["graphs"]).expanduser()
    kinds, modalities = config["data"]["variations"], modalities_of(config)
    make = partial(ModalityFeatures, modalities=modalities) if modalities else Features
    if not config["features"]["store"]:
        return make(recipe, MemoryStore(), device, kinds=kinds, known=known, graphs=graphs)
    folder = Path(config["paths"]["features"]).expanduser()
    space = FeatureSpace(
        recipe.feature_fingerprint, recipe.preprocessing, description=recipe.description
    )
    store: Store = FeatureStore(folder, space, dtype=config["features"]["dtype"])
    return make(recipe, store, device, folder, kinds, known=known, graphs=graphs)


def build_method(config: Config, listing: Listing | None = None) -> Method:
    """Make the method with everything that it works with; images of the listing are known."""
    device = build_device(config)
    features = build_features(config, device, listing)
    # Whether it is shared is the method's affair; a layer that trains nothing has no such key.
    fusion = {key: value for key, value in config["fusion"].items() if key != "shared"}
    make = implementation("fusion", fusion, FusionLayer)
    if names := chosen(config):
        make = partial(_fusion_of_some, make, names)
    if modalities_of(config):
        refuse_one_image(config, class_of("methods", config["method"]["name"], Method))
        make = partial(_of_modalities, make, config["data"]["modality_dropout"])
    context = Context(
        features=features,
        fusion=make,
        shared_fusion=config["fusion"].get("shared", True),
        head=implementation("heads", config["head"], Head),
        device=device,
        seed=config["seed"],
        variations=config["features"]["variations"],
        kinds=config["data"]["variations"],
    )
    return implementation("methods", config["method"], Method)(context)


def _fusion_of_some(
    make: Callable[..., FusionLayer], names: Collection[str], levels: Sequence[LevelInfo]
) -> FusionLayer:
    """Make a fusion layer that reads the levels of some names alone."""
    return make([level for level in levels if level.name in names])


def _of_modalities(
    make: Callable[..., FusionLayer], dropout: float, levels: Sequence[LevelInfo]
) -> FusionLayer:
    return ModalityFusion(make(levels), levels, dropout)


def build_scorer(config: Config, split: SplitName) -> Scorer:
    """Make what scores the images of a split.

    Raises:
        UserError: The head names a metric that does not exist.
    """
    registry.check(config["head"]["metrics"])
    head = class_of("heads", config["head"]["name"], Head)
    return Scorer(head, tuple(config["head"]["metrics"]), split)
