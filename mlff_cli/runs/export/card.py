"""What an exported file says of itself; no torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from mlff_cli.errors import UserError
from mlff_cli.results.predictions import Kind

KEY = "mlff"
"""Name of the card in the file's metadata."""

FORMAT = 1


@dataclass(frozen=True)
class Card:
    """What whoever runs the file has to know; in it as JSON.

    Attributes:
        product: Whose head answers.
        kind: What is asked of an image: one class, any number of labels, or numbers.
        classes: Names of the scores.
        good: The class of good parts, "" where they bear no label; None where there are none.
        decisions: Names of the decisions by code.
        threshold: Score of a defect from which an image is defective; None: none was chosen.
        novelty: p-value at or below which an image is unknown; None: none is, or nothing is known.
        review: Share of images whose true class a set of classes may miss; None: not looked at.
        size: Height and width in pixels that the network sees.
        bits: Of the range that 16-bit images are scaled from; None where the run has seen none.
        precision: Of the network's numbers.
        provenance: Run, backbone, and the hashes of network and adapters.
        version: Of the program that made the file.
        format: Of this card.
    """

    product: str
    kind: Kind
    classes: tuple[str, ...]
    good: str | None
    decisions: tuple[str, ...]
    threshold: float | None
    novelty: float | None
    review: float | None
    size: tuple[int, int]
    bits: int | None
    precision: str
    provenance: dict[str, str]
    version: str
    format: int = FORMAT

    @property
    def text(self) -> str:
        """Itself as JSON."""
        return msgspec.json.encode(self).decode()


def card_of(metadata: Mapping[str, str], name: str) -> Card:
    """Return the card in the metadata of a file.

    Raises:
        UserError: There is none, it is damaged, or of a newer format.
    """
    if KEY not in metadata:
        raise UserError(f"{name}: was not made by mlff export, so that what it says is not known")
    try:
        newest = msgspec.json.decode(metadata[KEY]).get("format", 0)
        if newest <= FORMAT:
            return msgspec.json.decode(metadata[KEY], type=Card)
    except (msgspec.MsgspecError, AttributeError, TypeError) as error:
        raise UserError(f"{name}: what it says of itself is damaged ({error})") from error
    raise UserError(
        f"{name}: has format {newest}, this program reads up to {FORMAT}; update it: "
        "pip install -U mlff"
    )
