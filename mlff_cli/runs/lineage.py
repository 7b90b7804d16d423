"""The experiences of the runs that a run goes on from, kept in its own folder.

``<run>/parent`` holds parent.yaml and splits.csv of the run before, and that one's ``parent``:
enough to find its images where they still are, and to know what they were where they are not.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from mlff_cli.config.identity import completed
from mlff_cli.config.saved import read_config
from mlff_cli.errors import UserError
from mlff_cli.runs.building import build_task
from mlff_cli.runs.folder import PARENT, SPLITS, RunFolder
from mlff_cli.runs.listing import Listing, listing_of
from mlff_cli.runs.splits_file import DIGITS, SplitRow, read_rows
from mlff_cli.system.files import write_atomically
from mlff_cli.tasks.absent import AbsentImage
from mlff_cli.tasks.experience import SPLITS as SPLIT_NAMES
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import ImageSource, Record

PARENT_CONFIG = "parent.yaml"
"""Its config; under the name of a run's it would be taken for a run."""


@dataclass(frozen=True)
class Earlier:
    """What earlier runs learned from.

    Attributes:
        experiences: Theirs, in order, with every record; the image of some may be absent.
        contents: The hash of each image.
    """

    experiences: Sequence[Experience] = ()
    contents: Mapping[ImageSource, str] = field(default_factory=dict)


def keep_lineage(parent: RunFolder, config: Mapping[str, Any], child: RunFolder) -> None:
    """Copy what is to be known of a run, and of those before it, into one that goes on from it.

    Args:
        parent: The run that is gone on from.
        config: Its config, to be read from any working directory.
        child: The run that goes on.
    """
    target = child.path / PARENT
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    write_atomically(target / PARENT_CONFIG, text)
    write_atomically(target / SPLITS, parent.read_text(SPLITS) or "")
    if (parent.path / PARENT).is_dir():
        shutil.copytree(parent.path / PARENT, target / PARENT, dirs_exist_ok=True)


def earlier_of(run: Path, config: Mapping[str, Any], target_names: Sequence[str]) -> Earlier:
    """Return what the runs before one learned from; nothing for one that began from nothing.

    Args:
        run: Its folder, which holds the lineage.
        config: Its config, with the places of today.
        target_names: Outputs of a regressor; a data set that is gone cannot tell them.

    Raises:
        UserError: The lineage is damaged.
    """
    lineage = run / PARENT
    if not lineage.is_dir():
        return Earlier()
    return learned_by(lineage, completed(read_config(lineage, PARENT_CONFIG)), config, target_names)


def learned_by(
    folder: Path, own: Mapping[str, Any], here: Mapping[str, Any], target_names: Sequence[str]
) -> Earlier:
    """Return what a run, and those before it, learned from.

    Args:
        folder: Holds its splits.csv, and the lineage of those before it.
        own: Its config.
        here: A config with the places of today.
        target_names: Outputs of a regressor.
    """
    own = {**own, **{section: here[section] for section in ("paths", "features", "trainer")}}
    rows = read_rows(folder / SPLITS)
    known = _images_at_hand(own)
    records = [_record(row, known) for row in rows]
    listing = Listing(records, [row.content for row in rows], tuple(target_names), ())
    before = earlier_of(folder, here, target_names)
    if not rows:  # all that it had learned was taken out
        return before
    task = build_task(own, listing, before=before.experiences)
    return Earlier(task.experiences, {**before.contents, **listing.content_of})


def split_as_before(listing: Listing, earlier: Earlier) -> Listing:
    """Return a listing in which groups and images that were seen before keep their split.

    A part that was trained on in one batch shows nothing when it is scored in the next.
    """
    groups: dict[str, str] = {}
    contents: dict[str, str] = {}
    for experience in earlier.experiences:
        for split in SPLIT_NAMES:
            for record in experience.split(split):
                groups[record.group] = split
                contents[earlier.contents[record.image][:DIGITS]] = split
    groups.pop("", None)
    known = (
        groups.get(record.group) or contents.get(content[:DIGITS])
        for record, content in zip(listing.records, listing.contents, strict=True)
    )
    return listing.with_records(
        [
            replace(record, split=record.split or split or "")
            for record, split in zip(listing.records, known, strict=True)
        ]
    )


def _images_at_hand(config: Mapping[str, Any]) -> dict[str, ImageSource]:
    """Return the images of an earlier run that are where they were, by what they hold."""
    try:
        listing = listing_of(config)
    except UserError:
        return {}  # moved, or thrown away: that is what going on without them is for
    return {
        content[:DIGITS]: record.image
        for record, content in zip(listing.records, listing.contents, strict=True)
    }


def _record(row: SplitRow, known: Mapping[str, ImageSource]) -> Record:
    return Record(
        row.name,
        known.get(row.content[:DIGITS]) or AbsentImage(row.name, row.content),
        tuple(row.labels.split(";")) if row.labels else (),
        tuple(map(float, row.targets.split(";"))) if row.targets else (),
        row.product,
        row.batch,
        row.group,
        row.split,
    )
