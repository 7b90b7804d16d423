"""``mlff features extract``: what `mlff train` would extract, or a share of it, into the store."""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.features.shares import share_of
from mlff_cli.methods.base import Method
from mlff_cli.runs.building import build_method
from mlff_cli.runs.listing import listing_of
from mlff_cli.runs.parent import parent_of, task_behind
from mlff_cli.runs.registry import class_of
from mlff_cli.system.logs import logging_to
from mlff_cli.tasks.absent import at_hand
from mlff_cli.tasks.experience import SPLITS, Experience
from mlff_cli.tasks.record import ImageSource

log = logging.getLogger(__name__)


def run(config: Mapping[str, Any]) -> int:
    """Extract what is missing of the share, and say how much that was."""
    share = share_of(config["shard"], config["shards"], os.environ)
    _refuse_unstored(config)
    with logging_to(None):
        parent = parent_of(config)
        task, listing = task_behind(parent, config, listing_of(config))
        for name, problem in task.skipped:
            log.info("skipped %s: %s", name, problem)
        method = build_method(config, listing)
        features, variations = method.context.features, method.context.variations
        if not variations:
            log.info("features.variations=0: those cannot be stored, the images as they are can")
        passes = [
            _once(images, listing.content_of)
            for images in _passes(task.experiences, variations, parent.learned if parent else 0)
        ]
        own = [[i for content, i in once.items() if share.holds(content)] for once in passes]
        for variation, images in enumerate(own):
            features.ensure(images, method.adapters.fusion.inputs, variation)
    told = f" ({share.told_by})" if share.told_by else ""
    print(f"share {share}{told}: {len(own[0]):,} of {len(passes[0]):,} different images")
    print(
        f"{features.extracted:,} rows of features extracted in {features.seconds:.1f} s, "
        f"{sum(map(len, own)) - features.extracted:,} were there: {features.folder}"
    )
    return 0


def _refuse_unstored(config: Mapping[str, Any]) -> None:
    name = config["method"]["name"]
    if not config["features"]["store"]:
        raise UserError("features.store=false keeps no features; leave it away to extract them")
    if not class_of("methods", name, Method).reads_features:
        raise UserError(
            f"method={name} trains the backbone itself and reads no stored features; choose "
            "another method, for instance method=mlff"
        )


def _passes(
    experiences: Sequence[Experience], variations: int, learned: int
) -> list[list[ImageSource]]:
    """Return the images that a run reads by variation, the images as they are first.

    Every image is read as it is, varied ones only to be trained on; the first `learned`
    experiences are another run's, and never trained on again.
    """
    there = list(map(at_hand, experiences))
    plain = [record.image for e in there for split in SPLITS for record in e.split(split)]
    new = [e for e in there if e.learned and e.index > learned]
    varied = [record.image for e in new for record in e.train]
    return [plain, *([varied] * (variations - 1))]


def _once(
    images: Sequence[ImageSource], contents: Mapping[ImageSource, str]
) -> dict[str, ImageSource]:
    """Return images by what they hold: of copies one."""
    return {contents[image]: image for image in images}
