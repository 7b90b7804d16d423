"""What is known of a finished run beside its scores, typed: the content of run.json."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from mlff_cli.audit.levels import LevelChoice
from mlff_cli.audit.verdict import LeakCheck
from mlff_cli.errors import UserError
from mlff_cli.results.operating_points import OperatingPoint
from mlff_cli.results.predictions import Kind
from mlff_cli.results.similarity import Similarity
from mlff_cli.results.tables import RunFacts

RECORD = "run.json"


@dataclass(frozen=True)
class Cost:
    """What one step took: seconds for features, training and all scores; images it extracted.

    `added_parameters` are those of heads and fusion layers that it made.
    """

    experience: str
    extraction_seconds: float
    training_seconds: float
    scoring_seconds: float
    images_extracted: int
    peak_memory_mib: float
    added_parameters: int = 0


@dataclass(frozen=True)
class RunRecord:
    """The facts of a run, what it cost, and what proves it.

    Attributes:
        facts: What tables say of the run beside its scores.
        steps: What each step cost.
        data: Digest of names, labels and contents of the images (`identity.data_digest`).
        digests: SHA-256 of the files that determine and prove the result, by name.
        device: What it was trained on, in words.
        command: What was typed.
        finished: When, ISO 8601, UTC.
        leaks: The verdict on the split; None where no features were at hand to look for copies.
        skipped: Images that were left out: name and problem.
        level_weights: Learned weight of each level; empty where the fusion layer learns none.
        kind: What is asked of the images; "" of a run whose predictions were not kept.
        answers: What the floors of figures answer for every image of an experience.
        points: Operating points, where there are good and defective images.
        parent: Digest of the run that this one goes on from; None for one from scratch.
        good: Classes of good parts; empty in runs of older versions, whose config tells them.
        removed: Experiences that were taken out of the run that this one was made of.
        bits: Of the range that its 16-bit images are scaled from; None where there are none.
        levels: Those that it chose by its task, and why; None where it chose none.
        similarity: How far its experiences lie from each other; None where that is not known.
        adapted: What a candidate of `mlff adapt` is adapted to, in words; "" of every other run.
    """

    facts: RunFacts
    steps: tuple[Cost, ...]
    data: str
    digests: dict[str, str]
    device: str
    command: str
    finished: str
    leaks: LeakCheck | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    level_weights: dict[str, float] = field(default_factory=dict)
    kind: Kind | Literal[""] = ""
    answers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    points: tuple[OperatingPoint, ...] = ()
    parent: str | None = None
    good: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    bits: int | None = 16
    levels: LevelChoice | None = None
    similarity: Similarity | None = None
    adapted: str = ""

    @property
    def images_extracted(self) -> int:
        """Images that went through the backbone within the steps."""
        return sum(step.images_extracted for step in self.steps)


def encoded(record: RunRecord) -> str:
    """Return a record as JSON for people and machines."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2).decode() + "\n"


def read_record(file: Path) -> RunRecord:
    """Return what `encoded` wrote.

    Raises:
        UserError: The file is missing or damaged; the message says where in it.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=RunRecord)
    except OSError as error:
        raise UserError(
            f"{file}: is missing or cannot be read ({error.strerror}); is the run finished?"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: is damaged ({error})") from error
