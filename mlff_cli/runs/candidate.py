"""A run adapted to a new domain: a run of its own, beside the one that it was made of."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import torch

from mlff_cli.config.overrides import command_line
from mlff_cli.heads.novelty import Novelty
from mlff_cli.heads.similarity import AXES
from mlff_cli.results import predictions_file
from mlff_cli.results.labels import plain
from mlff_cli.results.matrix import TOGETHER, ScoreMatrix
from mlff_cli.results.predictions import truth_of
from mlff_cli.runs.adapters_file import load_calibration, save_adapters
from mlff_cli.runs.building import build_scorer
from mlff_cli.runs.calibration import Calibration, level_descriptors
from mlff_cli.runs.folder import ENVIRONMENT, MATRIX, PARENT, PREDICTIONS, SHEET, SPLITS, RunFolder
from mlff_cli.runs.identity import DIGITS
from mlff_cli.runs.page import keep_worst_images, worst_images
from mlff_cli.runs.removal import NO_LIMIT
from mlff_cli.runs.reopen import OpenRun
from mlff_cli.runs.report import write_report
from mlff_cli.runs.scoring import Scored, head_grows, is_readable
from mlff_cli.runs.splits_file import DIGITS as CONTENT_DIGITS
from mlff_cli.system.environment import environment
from mlff_cli.system.files import write_atomically
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import ImageSource


@dataclass(frozen=True)
class Domain:
    """What a head is adapted to.

    Attributes:
        head: Its name.
        images: Of the new domain, without labels.
        contents: The hash of each.
        way: How features are aligned.
    """

    head: str
    images: Sequence[ImageSource]
    contents: Sequence[str]
    way: str

    @property
    def digest(self) -> str:
        """What tells it from others, in whatever order its images come."""
        return hashlib.sha256("\n".join(sorted(self.contents)).encode()).hexdigest()

    @property
    def words(self) -> str:
        """What a record says of it."""
        return (
            f"'{self.head}' by {self.way} to {len(self.images)} images without labels "
            f"(SHA-256 {self.digest})"
        )


def candidate_folder(opened: OpenRun, domain: Domain) -> RunFolder:
    """Return where the candidate lies: the same place each time for the same run and images."""
    facts = f"{opened.folder.digest}\n adapted {domain.words}"
    digest = hashlib.sha256(facts.encode()).hexdigest()[:DIGITS]
    return RunFolder(opened.folder.path.parent / f"{opened.config['method']['name']}-{digest}")


def write_candidate(opened: OpenRun, domain: Domain, folder: RunFolder) -> None:
    """Write a run whose head is aligned already; DONE comes last.

    Its final scores are of the run's own images, as all of a run's are: what it costs there.
    Thresholds stay: aligned images are read as those were that they were chosen on.
    """
    with folder.lock.held():
        if folder.finished:
            return
        source, path = opened.folder, folder.path
        folder.write_config(source.config())
        shutil.copy(source.path / SPLITS, path)
        shutil.copy(source.path / SHEET, path)
        if (source.path / PARENT).is_dir():
            shutil.copytree(source.path / PARENT, path / PARENT, dirs_exist_ok=True)
        scored = _scored(opened, domain.head)
        _matrix(opened, domain.head, scored).to_csv(path / MATRIX)
        _write_predictions(opened, scored, folder)
        method = opened.method
        save_adapters(
            folder.adapters,
            method.state(),
            fingerprint=method.context.recipe.fingerprint,
            calibration=_calibration(opened, domain),
            parts={name: method.part(name) for name in method.heads},
        )
        folder.write_json(ENVIRONMENT, environment())
        own = {plain(experience.name) for experience, _ in scored}
        keep_worst_images(path, [w for w in worst_images(source.path) if w.experience not in own])
        record = replace(
            opened.record,
            digests=folder.digests(),
            command=command_line(),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            parent=source.digest,
            adapted=domain.words,
        )
        folder.write_record(record)  # which the texts are made of
        write_report(folder, path, NO_LIMIT)
        folder.finish(record)


def _scored(opened: OpenRun, head: str) -> list[tuple[Experience, Scored]]:
    """Return what the head gives now for the images that the run was scored on."""
    scorer = build_scorer(opened.config, opened.config["splits"]["scored"])
    return [
        (experience, scorer(opened.method, experience))
        for experience in opened.task.experiences
        if experience.head == head and is_readable(opened.method, experience, scorer.split)
    ]


def _matrix(opened: OpenRun, head: str, scored: Sequence[tuple[Experience, Scored]]) -> ScoreMatrix:
    """Return the scores of the run, in the final row those of the aligned head."""
    before, experiences = opened.folder.matrix(), opened.task.experiences
    own = {e.index for e in experiences if e.head == head} | {TOGETHER}
    found = ScoreMatrix(list(before.experiences), before.learned)
    for trained, place, metric, score in before.scored():
        if trained != before.learned or place not in own:
            found.add(trained, place, metric, value=score.value, n=score.n)
    rows = [(e.index, part) for e, part in scored]
    learned = [part for e, part in scored if e.learned]
    if head_grows(experiences) and len(learned) == before.learned:
        scorer = build_scorer(opened.config, opened.config["splits"]["scored"])
        rows.append((TOGETHER, scorer.together(learned)))
    for place, part in rows:
        for metric, value in part.values.items():
            found.add(before.learned, place, metric, value=value, n=len(part.scores))
    return found


def _write_predictions(
    opened: OpenRun, scored: Sequence[tuple[Experience, Scored]], folder: RunFolder
) -> None:
    """Write what was said of images, and in place of the head's final word what it says now.

    What it said of validation images stays: the thresholds were chosen by that.
    """
    kind, split = opened.record.kind, opened.config["splits"]["scored"]
    learned = opened.folder.matrix().learned
    parts = predictions_file.read(opened.folder.path / PREDICTIONS, kind) if kind else []
    now = {plain(experience.name): (experience, own) for experience, own in scored}
    for place, part in enumerate(parts):
        if (part.trained, part.split) == (learned, split) and part.experience in now:
            experience, own = now[part.experience]
            records, contents = experience.split(split), opened.listing.content_of
            contents = {**opened.earlier.contents, **contents}
            parts[place] = replace(
                part,
                images=[record.name for record in records],
                contents=[contents[record.image][:CONTENT_DIGITS] for record in records],
                groups=[record.group for record in records],
                truths=[truth_of(record, part.kind) for record in records],
                scores=own.scores,
            )
    outputs = tuple(dict.fromkeys(output for part in parts for output in part.outputs))
    lines = "".join(predictions_file.lines(part, outputs) for part in parts)
    write_atomically(folder.path / PREDICTIONS, predictions_file.header(outputs) + lines)


def _calibration(opened: OpenRun, domain: Domain) -> Calibration:
    """Return what is known of images: of the head's, without labels, what tells products apart.

    Of its classes nothing is known in the new domain, so that none of its images is unknown.
    """
    known, learned = load_calibration(opened.folder.adapters), opened.task.experiences
    own = [e.name for e in learned if e.learned and e.head == domain.head]
    sketches = {name: found for name, found in known.experiences.items() if name not in own}
    if len(own) == 1 and own[0] in known.experiences:
        rows = level_descriptors(opened.method, domain.images)
        halves = [
            (half, torch.zeros(len(half), dtype=torch.int64)) for half in (rows[::2], rows[1::2])
        ]
        sketches[own[0]] = Novelty.fitted(halves[0], halves[1], axes=AXES)
    return Calibration(
        {name: found for name, found in known.heads.items() if name != domain.head}, sketches
    )
