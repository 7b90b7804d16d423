"""What a bundle says of itself, typed: the content of its bundle.json."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec

from mlff_cli.errors import UserError
from mlff_cli.results.operating_points import OperatingPoint
from mlff_cli.runs.bundle.archive import Archive
from mlff_cli.runs.deciding import DecisionSettings

FORMAT = 1
DESCRIPTION, CARD, SHARED = "bundle.json", "CARD.md", "shared.safetensors"
DELTA = "delta.json"
BUNDLE, CHANGES = ".mlff", ".delta"
"""How the files of bundles and deltas end."""

LARGEST = 64 << 20
"""Bytes of a description at most; one of 1,000 products has half a million."""

Precision = Literal["fp32", "fp16"]

T = TypeVar("T")


@dataclass(frozen=True)
class Member:
    """A file of a bundle, and the SHA-256 of what is in it."""

    name: str
    sha256: str


@dataclass(frozen=True)
class HeadEntry:
    """A head: its name, what it answers with, and where its tensors lie."""

    name: str
    outputs: tuple[str, ...]
    tensors: Member
    calibrated: bool


@dataclass(frozen=True)
class ExperienceEntry:
    """An experience, the head that reads it, and where lies what tells its images from others."""

    name: str
    head: str
    sketch: Member | None = None


@dataclass(frozen=True)
class Description:
    """What a bundle says of itself.

    Attributes:
        format: Of this description.
        run: Name of the run's folder.
        backbone: Name of the network.
        fingerprint: Of the network whose features the adapters read.
        adapters: SHA-256 of the run's adapters.json.
        precision: In which weights are kept.
        bits: Of the range that 16-bit images are scaled from; None where it has seen none such.
        good: The classes called good.
        settings: How is decided where a command does not say.
        points: Operating points of the run.
        heads: In their order.
        experiences: In the order in which they were learned.
        card: The page for people.
        shared: The fusion layer of all heads; None where each has its own.
        config: Of the run, without its places and without what depends on the machine.
    """

    format: int
    run: str
    backbone: str
    fingerprint: str
    adapters: str
    precision: Precision
    bits: int | None
    good: tuple[str, ...]
    settings: DecisionSettings
    points: tuple[OperatingPoint, ...]
    heads: tuple[HeadEntry, ...]
    experiences: tuple[ExperienceEntry, ...]
    card: Member
    shared: Member | None = None
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def members(self) -> list[Member]:
        """All files but the description itself, in the order in which they lie in the bundle."""
        shared = [self.shared] if self.shared else []
        sketches = [entry.sketch for entry in self.experiences if entry.sketch]
        return [self.card, *shared, *(head.tensors for head in self.heads), *sketches]

    @property
    def outputs(self) -> Mapping[str, tuple[str, ...]]:
        """The outputs of each head by its name."""
        return {head.name: head.outputs for head in self.heads}


def encoded(content: object) -> bytes:
    """Return a description as JSON: the same one gives the same bytes."""
    return msgspec.json.encode(content) + b"\n"


def read_description(archive: Archive) -> Description:
    """Return what a bundle says of itself.

    Raises:
        UserError: It is no bundle but a delta or something else, damaged, or of a newer format.
    """
    if DELTA in archive:
        raise UserError(
            f"{archive.path}: is a delta, which only says what changed; mlff pack <old bundle> "
            f"apply={archive.path} makes a bundle of it"
        )
    if DESCRIPTION not in archive:
        raise UserError(f"{archive.path}: is no bundle of mlff pack ({DESCRIPTION} is missing)")
    found = decoded(archive, DESCRIPTION, Description)
    heads, names = found.outputs, {entry.name for entry in found.experiences}
    unread = [entry.name for entry in found.experiences if entry.head not in heads]
    if unread or len(heads) < len(found.heads) or len(names) < len(found.experiences) or not names:
        raise UserError(f"{archive.path}: {DESCRIPTION}: is damaged (its names do not fit)")
    return found


def decoded(archive: Archive, name: str, kind: type[T]) -> T:
    """Return a member that is JSON of a kind.

    Raises:
        UserError: It is none, or of a newer format.
    """
    place = f"{archive.path}: {name}"
    if archive.size(name) > LARGEST:
        raise UserError(f"{place}: is larger than any that mlff pack writes")
    content = archive.read(name)
    try:
        newest = msgspec.json.decode(content, type=_Format).format
        if newest > FORMAT:
            raise UserError(
                f"{place}: has format {newest}, this program reads up to {FORMAT}; update it: "
                "pip install -U mlff"
            )
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{place}: is damaged ({error})") from error


@dataclass(frozen=True)
class _Format:
    format: int
