"""What values a key may have, read from the comment that stands behind it in its YAML file.

The comment is one of these, and `; changes no result` may follow it or stand alone::

    device: auto             # auto | cpu | cuda | mps
    shared: auto             # auto | true | false
    variations: [flips]      # any of flips | shifts | brightness
    exposures: []            # whole numbers
    levels: []               # names, or auto
    epochs: 30               # 1 or more
    learning_rate: 0.005     # above 0, below 10
    image_size: 128          # from 16 to 4096, or [height, width]
    bad_image_limit: 0.05    # from 0 to 1; changes no result
    max_escape: null         # from 0, below 1, or null
    root: null               # changes no result

A number may be written as a power of two less one: ``2^63-1``.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import yaml

from mlff_cli.config.saved import SAFE_LOADER

MARK = "changes no result"
OR_NULL = ", or null"
LIST_OF_WORDS, LIST_OF_NUMBERS = "any of ", "whole numbers"
NAMES_OR = "names, or "
OR_A_PAIR = ", or [height, width]"

NUMBER = r"-?\d[\d.^e-]*"
"""Digits, or a power of two less one."""

RANGE = re.compile(
    rf"(?P<least>{NUMBER}) or more"
    rf"|from (?P<low>{NUMBER}) to (?P<high>{NUMBER})"
    rf"|(?P<lower>from|above) (?P<start>{NUMBER}), below (?P<end>{NUMBER})"
)


@dataclass(frozen=True)
class Values:
    """The values that a key may have; without any rule, all that have the type of its default.

    Attributes:
        said: The rule as the YAML says it, "" without one.
        words: The words (or numbers) to choose from.
        several: The value is a list of such words.
        whole_numbers: The value is a list of whole numbers.
        instead: A word that may stand in place of a list of names.
        lowest: Bound of a number, and as it is written; None without one.
        highest: The same, above.
        above: The lowest number is itself not admitted.
        below: The highest number is itself not admitted.
        nullable: The value is such a number, or null.
        pair: The value is a number, or two of them for height and width.
        changes_result: False where no number of a run depends on the key.
    """

    said: str = ""
    words: tuple[Any, ...] = ()
    several: bool = False
    whole_numbers: bool = False
    instead: str = ""
    lowest: str | None = None
    highest: str | None = None
    above: bool = False
    below: bool = False
    nullable: bool = False
    pair: bool = False
    changes_result: bool = True

    @property
    def written(self) -> list[str]:
        """The words as the YAML has them."""
        return self.said.removeprefix(LIST_OF_WORDS).split(" | ") if self.words else []

    def admit(self, value: Any) -> bool:
        """Return whether a value of the right type is one of these."""
        if self.words:
            return all(word in self.words for word in (value if self.several else [value]))
        if self.pair and isinstance(value, list):
            return all(map(self._in_range, value))
        return self._in_range(value)

    def _in_range(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        return self._high_enough(value) and self._low_enough(value)

    def expected(self) -> str:
        """Return what a message says was expected: ``at least 1``."""
        if self.words:
            return f"one of {', '.join(self.written)}"
        if self.highest is None:
            return f"at least {self.lowest}"
        if self.below:
            return f"a number between {self.lowest} and {self.highest} ({self.said})"
        return f"at least {self.lowest} and at most {self.highest}"

    def _high_enough(self, value: float) -> bool:
        if self.lowest is None:
            return True
        lowest = number(self.lowest)
        return value > lowest if self.above else value >= lowest

    def _low_enough(self, value: float) -> bool:
        if self.highest is None:
            return True
        highest = number(self.highest)
        return value < highest if self.below else value <= highest


def read_values(comment: str) -> Values:
    """Return what the comment behind a key says.

    Raises:
        ValueError: It is not written by the rules above.
    """
    rule = comment.removesuffix(MARK).removesuffix("; ")
    return replace(
        _rule(rule.removesuffix(OR_NULL)),
        nullable=rule.endswith(OR_NULL),
        changes_result=not comment.endswith(MARK),
    )


def number(written: str) -> float:
    """Return the number of ``0.5`` or ``2^63-1``.

    Raises:
        ValueError: It is none.
    """
    if power := re.fullmatch(r"2\^(\d+)-1", written):
        return int(2 ** int(power[1])) - 1
    return int(written) if re.fullmatch(r"-?\d+", written) else float(written)


def _rule(said: str) -> Values:
    if not said:
        return Values()
    if said == LIST_OF_NUMBERS:
        return Values(said, whole_numbers=True)
    if said.startswith(NAMES_OR):
        return Values(said, instead=said.removeprefix(NAMES_OR))
    if " | " in said:
        words = said.removeprefix(LIST_OF_WORDS).split(" | ")
        known = tuple(yaml.load(word, Loader=SAFE_LOADER) for word in words)
        return Values(said, known, several=said.startswith(LIST_OF_WORDS))
    pair = said.endswith(OR_A_PAIR)
    return replace(_range(said.removesuffix(OR_A_PAIR)), said=said, pair=pair)


def _range(said: str) -> Values:
    found = RANGE.fullmatch(said)
    if not found:
        raise ValueError(f"no rule for values: '{said}'")
    lowest = found["least"] or found["low"] or found["start"]
    highest = found["high"] or found["end"]
    for bound in filter(None, (lowest, highest)):
        number(bound)
    above, below = found["lower"] == "above", found["end"] is not None
    return Values(said, lowest=lowest, highest=highest, above=above, below=below)
