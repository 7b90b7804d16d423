"""What changed from one bundle to the next: only members that the older one lacks."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlff_cli.errors import UserError
from mlff_cli.runs.bundle.archive import Archive, seal_of, sealed
from mlff_cli.runs.bundle.description import (
    DELTA,
    DESCRIPTION,
    FORMAT,
    Description,
    decoded,
    encoded,
    read_description,
)
from mlff_cli.runs.bundle.packing import Packed
from mlff_cli.runs.bundle.tensors import checked

SHOWN = 12
"""Digits of a hash that a message shows."""


@dataclass(frozen=True)
class Delta:
    """What a delta says of itself.

    Attributes:
        format: Of this description.
        base: Seal of the bundle that it is applied to.
        result: Seal of the bundle that comes of it.
        fingerprint: Of the backbone of both.
    """

    format: int
    base: str
    result: str
    fingerprint: str


def delta_of(old: Archive, new: Packed) -> bytes:
    """Return the delta from a bundle to another.

    Raises:
        UserError: They have another backbone or precision, or are the same.
    """
    before, after = read_description(old), new.description
    if before.fingerprint != after.fingerprint:
        raise UserError(
            f"since={old.path}: is a bundle for another backbone ({before.backbone}, fingerprint "
            f"{before.fingerprint[:SHOWN]}; the run's is {after.fingerprint[:SHOWN]}), so that "
            "nothing of it can stay; pack the run without since="
        )
    if before.precision != after.precision:
        raise UserError(
            f"since={old.path}: is a bundle of precision {before.precision}; give "
            f"precision={before.precision}"
        )
    result = seal_of(new.content())
    if result == old.seal:
        raise UserError(f"since={old.path}: is the bundle of this very run: nothing has changed")
    held = {member.sha256 for member in before.members}
    contents = new.ordered()
    lacking = {m.name: contents[m.name] for m in after.members if m.sha256 not in held}
    said = Delta(FORMAT, old.seal, result, after.fingerprint)
    return sealed({DELTA: encoded(said), DESCRIPTION: encoded(after), **lacking})


def applied(old: Archive, delta: Archive) -> tuple[Description, bytes]:
    """Return the bundle that comes of another and a delta, and what it says of itself.

    Raises:
        UserError: The delta is none, is for another bundle or backbone, or was applied before.
    """
    before = read_description(old)
    if DELTA not in delta:
        raise UserError(f"apply={delta.path}: is no delta; mlff pack <run> since=... makes one")
    said = decoded(delta, DELTA, Delta)
    _refuse_other(old, before, delta, said)
    after = decoded(delta, DESCRIPTION, Description)
    content = sealed(
        {DESCRIPTION: delta.read(DESCRIPTION), **dict(_members(old, before, delta, after))}
    )
    if seal_of(content) != said.result:
        raise UserError(f"apply={delta.path}: is damaged: it does not give the bundle that it says")
    return after, content


def _refuse_other(old: Archive, before: Description, delta: Archive, said: Delta) -> None:
    if said.result == old.seal:
        raise UserError(
            f"apply={delta.path}: {old.path} is what comes of it: it was applied before"
        )
    if said.fingerprint != before.fingerprint:
        raise UserError(
            f"apply={delta.path}: is for another backbone (fingerprint "
            f"{said.fingerprint[:SHOWN]}; that of {old.path} is {before.fingerprint[:SHOWN]})"
        )
    if said.base != old.seal:
        raise UserError(
            f"apply={delta.path}: is for another bundle (its hash is {said.base[:SHOWN]}; that of "
            f"{old.path} is {old.seal[:SHOWN]}); apply it to the one that it was made since"
        )


def _members(
    old: Archive, before: Description, delta: Archive, after: Description
) -> Iterator[tuple[str, bytes]]:
    """Yield the members of the new bundle: from the delta, else from the old one by their hash."""
    held = {member.sha256: member for member in before.members}
    for member in after.members:
        if member.name in delta:
            yield member.name, checked(delta, member)
        elif member.sha256 in held:
            yield member.name, checked(old, held[member.sha256])
        else:
            raise UserError(f"apply={delta.path}: is damaged: it lacks {member.name!r}")
