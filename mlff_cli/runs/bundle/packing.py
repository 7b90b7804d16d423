"""From a finished run to a bundle."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.runs.bundle.archive import sealed
from mlff_cli.runs.bundle.card import card_text
from mlff_cli.runs.bundle.description import (
    CARD,
    DESCRIPTION,
    FORMAT,
    SHARED,
    Description,
    ExperienceEntry,
    HeadEntry,
    Member,
    Precision,
    encoded,
)
from mlff_cli.runs.bundle.tensors import (
    FUSION,
    HEAD,
    calibration_tensors,
    constants,
    encoded_tensors,
    module_tensors,
)
from mlff_cli.runs.deciding import DecisionSettings, decision_of
from mlff_cli.runs.deployed import ADAPTERS, Deployed, of_run
from mlff_cli.runs.listing import PLACES
from mlff_cli.runs.reopen import HERE, OpenRun


@dataclass(frozen=True)
class Packed:
    """A bundle before it is written.

    Attributes:
        description: What it says of itself.
        contents: Of its other members, by name.
    """

    description: Description
    contents: Mapping[str, bytes]

    def content(self) -> bytes:
        """Return the file."""
        return sealed({DESCRIPTION: encoded(self.description), **self.ordered()})

    def ordered(self) -> dict[str, bytes]:
        """Return the other members in the order in which they lie in the file."""
        return {member.name: self.contents[member.name] for member in self.description.members}


def packed(opened: OpenRun, precision: Precision, settings: DecisionSettings) -> Packed:
    """Pack a run.

    Args:
        opened: The run.
        precision: In which weights are kept.
        settings: How is decided where a command does not say.

    Raises:
        UserError: The backbone itself was trained, the adapters are not those that the run wrote,
            or products cannot be decided on like this.
    """
    if not opened.method.reads_features:
        raise UserError(
            f"{opened.folder.path}: method={opened.config['method']['name']} trains the backbone "
            "itself, and a bundle holds none; pack a run of a method on a frozen backbone"
        )
    if opened.folder.digests()[ADAPTERS] != opened.record.digests.get(ADAPTERS):
        raise UserError(
            f"{opened.folder.path / ADAPTERS}: is not what the run wrote, so that nothing tells "
            "whose adapters these are; mlff verify says what else differs"
        )
    deployed = of_run(opened)
    for name in deployed.experiences:
        decision_of(deployed, deployed.product(name), settings)
    description = Description(
        format=FORMAT,
        run=deployed.provenance["run"],
        backbone=deployed.provenance["backbone"],
        fingerprint=deployed.provenance["model"],
        adapters=deployed.provenance["adapters"],
        precision=precision,
        bits=deployed.bits,
        good=deployed.good,
        settings=settings,
        points=tuple(deployed.points.values()),
        heads=(),
        experiences=(),
        card=Member(CARD, ""),
        config=portable(opened.config),
    )
    return _with_card(_with_tensors(description, deployed, opened), opened)


def portable(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config without places and without what depends on the machine.

    Of a weight file of one's own the name stays, by which it is looked for beside the bundle.
    """
    data, backbone = dict(config["data"]), dict(config["backbone"])
    data |= {key: "" for key in PLACES if key in data}
    if backbone["weights"] is not None:
        backbone["weights"] = PurePath(backbone["weights"]).name
    trainer = {key: value for key, value in config["trainer"].items() if key not in HERE}
    own = {"data": data, "backbone": backbone, "trainer": trainer}
    return {key: own.get(key, value) for key, value in config.items() if key != "paths"}


def _with_tensors(description: Description, deployed: Deployed, opened: OpenRun) -> Packed:
    """Add heads, fusion layers and what is known of their images."""
    adapters, precision = opened.method.adapters, description.precision
    contents: dict[str, bytes] = {}

    def member(name: str, tensors: Mapping[str, Any]) -> Member:
        made, contents[name] = encoded_tensors(name, tensors)
        return made

    shared = None
    if not adapters.own_fusion:
        shared = member(SHARED, module_tensors(FUSION, adapters.fusion, precision))
    heads = []
    settings = description.settings
    # Most of a head's bytes: left out where nothing is asked that takes them.
    asks_for_novelty = not (settings.novelty is None and settings.review is None)
    for number, (name, outputs) in enumerate(deployed.heads.items()):
        tensors = module_tensors(HEAD, adapters[name], precision)
        if shared is None:
            tensors |= module_tensors(FUSION, adapters.fusion_of(name), precision)
        known = deployed.calibration.heads.get(name) if asks_for_novelty else None
        tensors |= calibration_tensors(known, precision) if known else {}
        held = member(f"heads/{number:04d}.safetensors", tensors)
        heads.append(HeadEntry(name, outputs, held, known is not None))
    experiences = []
    for number, (name, head) in enumerate(deployed.experiences.items()):
        sketch = deployed.calibration.experiences.get(name)
        place = f"experiences/{number:04d}.safetensors"
        held_sketch = member(place, constants(sketch.parts(), precision)) if sketch else None
        experiences.append(ExperienceEntry(name, head, held_sketch))
    return Packed(
        replace(description, shared=shared, heads=tuple(heads), experiences=tuple(experiences)),
        contents,
    )


def _with_card(bundle: Packed, opened: OpenRun) -> Packed:
    text = card_text(bundle.description, opened).encode()
    card = Member(CARD, hashlib.sha256(text).hexdigest())
    return Packed(
        replace(bundle.description, card=card),
        {**bundle.contents, CARD: text},
    )
