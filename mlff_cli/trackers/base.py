"""What a tracker does, and what a run tells it."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mlff_cli.results.matrix import TOGETHER, ScoreMatrix

INVALID = re.compile(r"[^\w.\- ]")
"""What not every tracker admits in the name of a number."""

LONGEST = 100
"""Letters of each part of such a name."""


class Point(NamedTuple):
    """A number of a run: its name, the experience that was trained last, its value."""

    key: str
    step: int
    value: float


@dataclass(frozen=True)
class Subject:
    """The run that is told of: its name, ``<task>/<method>-<hash>``, and its config."""

    name: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Findings:
    """What a finished run leaves: figures by name, pictures, and the folder of its adapters."""

    figures: Mapping[str, float]
    pictures: Sequence[Path]
    adapters: Path


class Tracker(ABC):
    """Takes what a run tells; the keys of its YAML are the arguments of its class.

    What it needs is imported when it is made, and may be missing: a `UserError`. Whatever any of
    its methods raises ends the telling, never the run.
    """

    @abstractmethod
    def begin(self, subject: Subject, earlier: str | None) -> str:
        """Begin, or go on with `earlier` if that is still there; return what it is found by."""

    def holds(self) -> Collection[tuple[str, int]]:
        """Return key and step of the numbers that it holds, where it can be asked."""
        return ()

    @abstractmethod
    def add(self, points: Sequence[Point]) -> None:
        """Write numbers; when this returns they are kept."""

    @abstractmethod
    def finish(self, findings: Findings, step: int) -> None:
        """Write what a finished run leaves, after the training of experience `step`; close."""

    @abstractmethod
    def break_off(self) -> None:
        """Close, where the run failed or was interrupted."""


def points_of(matrix: ScoreMatrix) -> list[Point]:
    """Return all scores that have a value: ``mAP/02 bolt``, those of all experiences ``mAP/all``.

    The number makes names one of a kind where letters that a tracker does not admit are replaced.
    """
    digits = len(str(len(matrix.experiences)))
    names = {
        place: f"{place:0{digits}} {name}" for place, name in enumerate(matrix.experiences, start=1)
    } | {TOGETHER: "all"}
    return [
        Point(f"{admitted(metric)}/{admitted(names[scored])}", trained, score.value)
        for trained, scored, metric, score in matrix.scored()
        if not math.isnan(score.value)
    ]


def admitted(name: str) -> str:
    """Return a name that every tracker admits."""
    return INVALID.sub("_", name)[:LONGEST]


def without_invalid(name: str) -> str:
    """Return a title such that every tracker admits it: ``peak memory MiB``."""
    return INVALID.sub("", name).strip()[:LONGEST]
