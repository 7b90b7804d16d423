"""Folders named train, val and test, and the layout of MVTec AD, which has masks beside them."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mlff_cli.errors import SHOWN
from mlff_cli.tasks.record import Record

SPLIT_OF: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
"""What people call a split, in small letters."""

MASKS = "ground_truth"
"""Where MVTec AD keeps, beside its splits, which pixels of an image are defective."""

IGNORE = "data.folder_splits=ignore"

log = logging.getLogger(__name__)


def split_folders(folders: Sequence[Path]) -> dict[Path, str]:
    """Return the split of each folder, training first, if these are splits; else nothing.

    They are where all are named so, but for one of masks, and not all are the same split: a
    product may well be called `test`.
    """
    found = {
        folder: SPLIT_OF.get(folder.name.casefold(), "")
        for folder in folders
        if folder.name.casefold() != MASKS
    }
    if "" in found.values() or len(set(found.values())) < 2:
        return {}
    order = list(SPLIT_OF.values())
    return dict(sorted(found.items(), key=lambda item: order.index(item[1])))


def settled(records: Sequence[Record], choice: str) -> list[Record]:
    """Return records with the splits of their folders, or without; say which.

    Args:
        records: As their folders have them.
        choice: `use`, `ignore`, or `auto`: used unless a class would be scored and never trained,
            as with MVTec AD, whose training images are all good. The classes of each product
            count by themselves, since by default it has a head of its own.
    """
    if not any(record.split for record in records):
        return list(records)
    untrained = _untrained(records)
    if choice == "ignore" or (choice == "auto" and untrained):
        if choice == "auto":
            log.warning(
                "the splits of the folders are not used: %s; images of every class are needed "
                "to train on, so the splits are drawn afresh from all images "
                "(data.folder_splits=use keeps those of the folders)",
                _told(untrained),
            )
        else:
            log.info("%s: the splits are drawn afresh from all images", IGNORE)
        return [replace(record, split="") for record in records]
    counts = Counter(record.split or "in no split" for record in records)
    log.info(
        "the folders are splits: %s (%s draws them afresh)%s",
        ", ".join(f"{count} images {split}" for split, count in counts.items()),
        IGNORE,
        "" if counts["test"] else "; none is in test: score them with splits.scored=validation",
    )
    return list(records)


def _untrained(records: Sequence[Record]) -> dict[str, list[str]]:
    """Return by product the labels that are scored and not trained."""
    trained: dict[str, set[str]] = defaultdict(set)
    scored: dict[str, set[str]] = defaultdict(set)
    for record in records:
        part = scored if record.split in {"validation", "test"} else trained
        part[record.product].update(record.labels)
    return {p: sorted(scored[p] - trained[p]) for p in scored if scored[p] - trained[p]}


def _told(untrained: Mapping[str, Sequence[str]]) -> str:
    lines = [
        f"{product + ' has' if product else 'there is'} nothing of {', '.join(labels[:SHOWN])}"
        + (", ..." if len(labels) > SHOWN else "")
        for product, labels in untrained.items()
    ]
    more = f", and so on for {len(lines) - SHOWN} more products" if len(lines) > SHOWN else ""
    return "; ".join(lines[:SHOWN]) + more + " in train"
