"""The finished run that another one goes on from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from mlff_cli.config.continuation import FROM
from mlff_cli.config.identity import completed
from mlff_cli.errors import UserError
from mlff_cli.methods.base import Method, State
from mlff_cli.results import predictions_file
from mlff_cli.results.labels import plain
from mlff_cli.results.matrix import TOGETHER, ScoreMatrix
from mlff_cli.results.operating_points import OperatingPoint
from mlff_cli.results.predictions import Predictions
from mlff_cli.runs.adapters_file import digest_of, load_adapters, load_calibration, part_digests
from mlff_cli.runs.building import build_task
from mlff_cli.runs.calibration import Calibration
from mlff_cli.runs.checkpoints import Progress
from mlff_cli.runs.final_scores import good_names
from mlff_cli.runs.folder import PREDICTIONS, RunFolder
from mlff_cli.runs.lineage import Earlier, learned_by, split_as_before
from mlff_cli.runs.listing import PLACES, Listing
from mlff_cli.runs.record import RunRecord
from mlff_cli.runs.reopen import without_names
from mlff_cli.runs.value_range import AUTO
from mlff_cli.system.environment import program
from mlff_cli.tasks.experience import Experience, SplitName
from mlff_cli.tasks.task import Task


@dataclass(frozen=True)
class Parent:
    """A finished run, as another one begins with it."""

    folder: RunFolder

    @cached_property
    def record(self) -> RunRecord:
        """What is known of it."""
        return self.folder.record()

    @cached_property
    def config(self) -> dict[str, Any]:
        """Its config, to be read from any working directory, 16-bit images scaled as they were."""
        config = completed(self.folder.config())
        data = dict(config["data"])
        for key in PLACES:
            if data.get(key):
                data[key] = str(Path(data[key]).expanduser().absolute())
        if data.get("bits") == AUTO and self.record.bits:
            data["bits"] = self.record.bits
        return without_names({**config, "data": data}, self.record.removed)

    @property
    def learned(self) -> int:
        """The number of experiences that it learned."""
        return len(self.record.facts.experiences)

    @cached_property
    def state(self) -> State:
        """Everything that it learned."""
        return load_adapters(self.folder.adapters)

    @cached_property
    def target_names(self) -> tuple[str, ...]:
        """Outputs of its heads where these are numbers."""
        if self.record.kind != "numbers":
            return ()
        return next(iter(self.state.heads.values()))

    @cached_property
    def parts(self) -> Mapping[str, str]:
        """The digest of what answers with each head; empty in runs of older versions."""
        return part_digests(self.folder.adapters)

    @cached_property
    def points(self) -> Mapping[str, OperatingPoint]:
        """Its thresholds by experience."""
        return {point.experience: point for point in self.record.points}

    @property
    def good(self) -> tuple[str, ...]:
        """Classes of good parts."""
        return self.record.good or good_names(self.config["data"])

    @cached_property
    def calibration(self) -> Calibration:
        """What it knows of its images."""
        return load_calibration(self.folder.adapters)

    def earlier(self, config: Mapping[str, Any]) -> Earlier:
        """Return what it and those before it learned from, at the places of another config."""
        return learned_by(self.folder.path, self.config, config, self.target_names)

    def progress(self, experiences: Sequence[Experience]) -> Progress:
        """Return it as the first part of a sequence: a state that the rest is learned after."""
        facts = self.record.facts
        return Progress(
            self.learned,
            self._matrix_of(experiences),
            list(facts.training_seconds),
            facts.extraction_seconds,
            facts.peak_memory_mib or 0.0,
            self.state,
            [asdict(step) for step in self.record.steps],
            program(),
        )

    @cached_property
    def matrix(self) -> ScoreMatrix:
        """Its scores."""
        return self.folder.matrix()

    def predictions(self, split: SplitName) -> list[Predictions]:
        """Return what it said of the images that its scores are of."""
        if not self.record.kind:
            return []
        return predictions_file.read(self.folder.path / PREDICTIONS, self.record.kind, split=split)

    def _matrix_of(self, experiences: Sequence[Experience]) -> ScoreMatrix:
        """Return its scores at their places in the matrix of a longer sequence."""
        places = {plain(experience.name): experience.index for experience in experiences}
        learned = sum(experience.learned for experience in experiences)
        matrix = ScoreMatrix([experience.name for experience in experiences], learned)
        for trained, scored, metric, (value, n) in self.matrix.scored():
            place = places[self.matrix.experiences[scored - 1]] if scored else TOGETHER
            matrix.add(trained, place, metric, value=value, n=n)
        return matrix


@dataclass(frozen=True)
class Kept:
    """What stays true of a run when another one goes on from it.

    Attributes:
        points: Thresholds by experience.
        calibration: Of heads in which nothing changed, and of all experiences: these are told apart
            by what nothing was trained on.
    """

    points: Mapping[str, OperatingPoint] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)


def kept_from(
    parent: Parent | None,
    parts: Mapping[str, Mapping[str, Tensor]],
    experiences: Sequence[Experience],
) -> Kept:
    """Return what stays of a parent, by what answers with each head now; nothing without one."""
    if parent is None:
        return Kept()
    same = {
        head for head, digest in parent.parts.items() if digest_of(parts.get(head, {})) == digest
    }
    names = {plain(e.name) for e in experiences if e.head in same}
    return Kept(
        {name: point for name, point in parent.points.items() if name in names},
        Calibration(
            {name: own for name, own in parent.calibration.heads.items() if name in same},
            parent.calibration.experiences,
        ),
    )


def parent_of(config: Mapping[str, Any]) -> Parent | None:
    """Return the run that a config goes on from; None where it begins from nothing.

    Raises:
        UserError: It is not finished, or not what it was when it was.
    """
    if config[FROM] is None:
        return None
    path = Path(str(config[FROM])).expanduser()
    parent = Parent(RunFolder(path))
    if not parent.folder.finished:
        raise UserError(f"{path}: is not finished; mlff train of its config resumes it")
    changed = parent.folder.changed_files()
    if changed or not parent.folder.record_is_whole():
        name = changed[0] if changed else "run.json"
        raise UserError(
            f"{path / name}: is not what the run wrote (mlff verify {path} says more); put it back "
            "from a copy before another run goes on from it"
        )
    if parent.record.adapted:
        raise UserError(
            f"from={path}: is a candidate of mlff adapt, and what it keeps of its images is of "
            "another domain than what it reads; go on from the run that it was made of"
        )
    return parent


def task_behind(
    parent: Parent | None, config: Mapping[str, Any], listing: Listing
) -> tuple[Task, Listing]:
    """Return the task of a config behind what its parent learned, and its listing.

    Raises:
        UserError: What is to be learned cannot be trained or scored, or is learned already.
    """
    if parent is None:
        return build_task(config, listing), listing
    earlier = parent.earlier(config)
    listing = replace(split_as_before(listing, earlier), earlier=earlier.contents)
    return build_task(config, listing, before=earlier.experiences), listing


def refuse_relearning(method: Method, experiences: Sequence[Experience], learned: int) -> None:
    """Refuse a method that learns old and new experiences at once: the old images are not there.

    Raises:
        UserError: It names the way out.
    """
    for step in method.steps([e for e in experiences if e.learned]):
        if step.index > learned and step.experiences[0].index <= learned:
            raise UserError(
                "from=: this method learns all experiences at once and cannot go on without the "
                "images of the old ones; train all of them anew, or go on from a run of another "
                "method (mlff, closed_form, linear_probe, finetune)"
            )
