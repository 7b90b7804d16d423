"""The backbones whose weights are on this machine, tried on a task's training images."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlff_cli.audit.fit import Fit, fit_of
from mlff_cli.backbones.engines import TORCH
from mlff_cli.backbones.fetching import without_fetching
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.config.shipped import choices, shipped
from mlff_cli.errors import UserError
from mlff_cli.runs.building import build_device, build_features
from mlff_cli.runs.identity import backbone_name
from mlff_cli.runs.listing import Listing
from mlff_cli.runs.registry import implementation
from mlff_cli.tasks.experience import Experience

log = logging.getLogger(__name__)


def other_fits(
    config: Mapping[str, Any], listing: Listing, experiences: Sequence[Experience]
) -> Iterator[Fit]:
    """Yield how well each other installed backbone fits; one that cannot be used is told.

    Through torch: to write a graph takes longer than a few hundred images.
    """
    for section in _installed(config):
        tried = {**config, "backbone": section}
        try:
            features = build_features(tried, build_device(tried), listing)
            yield fit_of(backbone_name(tried), features, experiences)
        except UserError as error:
            log.info("backbone=%s is not tried: %s", section["name"], error)


def _installed(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the sections of backbones whose usual weights are here, but for the config's own."""
    for name in choices("backbone"):
        section = {**shipped(f"backbone/{name}"), "name": name}
        if name == config["backbone"]["name"] or "model" in section:
            continue  # any model of timm's is none that is installed
        if "engine" in section:
            section["engine"] = TORCH
        recipe = implementation("backbones", section, BackboneRecipe)(
            image_size=config["data"]["image_size"]
        )
        try:
            with without_fetching():
                recipe.pretrained_file()
        except UserError:
            continue
        yield section
