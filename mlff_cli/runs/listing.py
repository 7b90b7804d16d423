"""The images of a config: what is known of each, and what it holds. Needs no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mlff_cli.config.continuation import FROM
from mlff_cli.data.base import Dataset
from mlff_cli.data.files import FileDataset
from mlff_cli.errors import UserError
from mlff_cli.features.identities import identities, memo_of
from mlff_cli.runs.identity import data_digest
from mlff_cli.runs.record import RECORD, read_record
from mlff_cli.runs.registry import implementation
from mlff_cli.runs.value_range import AUTO, in_one_range
from mlff_cli.tasks.record import ImageSource, Record

PLACES = ("root", "file")
"""Keys of `data` that hold a path."""


@dataclass(frozen=True)
class Listing:
    """The records of a data set, with the hash of each one's image.

    Attributes:
        records: In the order of the data set.
        contents: 64 hex digits for each.
        target_names: Names of the records' targets; empty without.
        skipped: Images that were left out: name and problem.
        bits: Of the range that all 16-bit images are scaled from; None where there are none.
        earlier: The hash of each image of a run that this one goes on from.
    """

    records: Sequence[Record]
    contents: Sequence[str]
    target_names: tuple[str, ...]
    skipped: Sequence[tuple[str, str]]
    bits: int | None = None
    earlier: Mapping[ImageSource, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """What tells these data from others."""
        return data_digest(self.records, self.contents)

    @property
    def content_of(self) -> dict[ImageSource, str]:
        """The hash of each image, those of earlier runs among them."""
        own = {r.image: c for r, c in zip(self.records, self.contents, strict=True)}
        return {**self.earlier, **own}

    def only(self, wanted: Callable[[Record], bool]) -> "Listing":
        """Return those images whose records are wanted."""
        pairs = [p for p in zip(self.records, self.contents, strict=True) if wanted(p[0])]
        records, contents = zip(*pairs, strict=True) if pairs else ((), ())
        return replace(self, records=records, contents=contents)

    def with_records(self, records: Sequence[Record]) -> "Listing":
        """Return the same images with other records, one for each."""
        return replace(self, records=records)


def listing_of(config: Mapping[str, Any]) -> Listing:
    """List and hash the images of a config.

    Raises:
        UserError: There are none, or one of them cannot be read.
    """
    dataset, store = implementation("data", config["data"], Dataset)(), _store(config)
    if isinstance(dataset, FileDataset):
        dataset.store = store
    records = dataset.records()
    if not records:
        raise UserError(f"dataset={config['data']['name']}: there is no image")
    records, bits = in_one_range(records, _asked_bits(config), store)
    contents = identities([record.image for record in records], memo_of(store))
    skipped = list(getattr(dataset, "skipped", []))
    return Listing(records, contents, tuple(dataset.target_names), skipped, bits)


def is_current(listing: Listing, config: Mapping[str, Any]) -> bool:
    """Return whether the images of a listing still hold what they held.

    Raises:
        UserError: One of them cannot be read any more.
    """
    images = [record.image for record in listing.records]
    return identities(images, memo_of(_store(config))) == list(listing.contents)


def _store(config: Mapping[str, Any]) -> Path | None:
    """Return the folder of stored features; None where nothing is stored."""
    return Path(config["paths"]["features"]).expanduser() if config["features"]["store"] else None


def _asked_bits(config: Mapping[str, Any]) -> int | str:
    """Return the range asked for; else that of the run that is gone on from, if it had one."""
    asked: int | str = config["data"].get("bits", AUTO)
    if asked == AUTO and config.get(FROM) is not None:
        return read_record(Path(str(config[FROM])).expanduser() / RECORD).bits or AUTO
    return asked
