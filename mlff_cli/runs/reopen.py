"""A finished run, opened again: to score, to audit, to predict, to learn on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlff_cli.config.continuation import FROM
from mlff_cli.config.identity import completed
from mlff_cli.config.saved import CONFIG
from mlff_cli.config.schema import check
from mlff_cli.errors import UserError
from mlff_cli.methods.base import Method, State
from mlff_cli.results.matrix import TOGETHER
from mlff_cli.runs.adapters_file import load_adapters
from mlff_cli.runs.building import build_method, build_scorer, build_task
from mlff_cli.runs.final_scores import ALL_TOGETHER
from mlff_cli.runs.folder import PARENT, SPLITS, RunFolder
from mlff_cli.runs.lineage import Earlier, earlier_of
from mlff_cli.runs.listing import Listing, listing_of
from mlff_cli.runs.record import RunRecord
from mlff_cli.runs.scoring import head_grows, is_readable
from mlff_cli.runs.splits_file import DIGITS, SplitRow, as_split, differences, read_rows, split_rows
from mlff_cli.runs.value_range import AUTO
from mlff_cli.tasks.schedule import atoms_of
from mlff_cli.tasks.task import Task

HERE = ("device", "workers")
"""Keys of `trainer` that whoever opens a run chooses anew; all others can change numbers."""


@dataclass
class OpenRun:
    """A run of which everything can be asked; what is asked for is made once, when it is.

    Attributes:
        folder: Where it lies now.
        config: Its config, with device, feature store and places of today.
    """

    folder: RunFolder
    config: dict[str, Any]

    @cached_property
    def record(self) -> RunRecord:
        """What is known of it."""
        return self.folder.record()

    @cached_property
    def splits(self) -> list[SplitRow]:
        """Which image it trained on, validated on and was scored on."""
        return read_rows(self.folder.path / SPLITS)

    @cached_property
    def trained_contents(self) -> set[str]:
        """The beginning of the hash of every image that it, or a run before it, trained on."""
        files = [self.folder.path / SPLITS, *self.folder.path.glob(f"{PARENT}/**/{SPLITS}")]
        rows = (row for file in files for row in read_rows(file))
        return {row.content[:DIGITS] for row in rows if row.split == "train"}

    @cached_property
    def data(self) -> dict[str, Any]:
        """Its section of data, 16-bit images scaled from the range that they had in the run.

        Not found anew: there may be fewer of them now, or they are others.
        """
        data = dict(self.config["data"])
        if data.get("bits") == AUTO:
            data["bits"] = self.record.bits or AUTO
        return data

    @cached_property
    def listing(self) -> Listing:
        """Its images as they are now, wherever they have moved; without those it took out."""
        listing = listing_of({**self.config, "data": self.data})
        line, gone = self.config["schedule"]["line"], self.record.removed
        return listing.only(lambda record: not set(atoms_of(record, line)) & set(gone))

    @cached_property
    def task(self) -> Task:
        """Its task on these images, each in the split that it had.

        What it went on from stands before, also where those images are not at hand any more.
        """
        records = as_split(self.listing.records, self.listing.contents, self.splits)
        before = self.earlier.experiences
        config = without_names(self.config, self.record.removed)
        return build_task(config, self.listing.with_records(records), before=before)

    @cached_property
    def earlier(self) -> Earlier:
        """What the runs that it goes on from learned from."""
        outputs = next(iter(self.method.heads.values()))
        return earlier_of(
            self.folder.path, self.config, outputs if self.record.kind == "numbers" else ()
        )

    def changed_images(self) -> list[str]:
        """Return in words how its images differ from those it was made with; empty: not at all."""
        listing = self.listing
        now = split_rows(self.task.records, self.task.splits, listing.contents)
        return [f"{SPLITS}: {words}" for words in differences(self.splits, now)]

    def refuse_other_images(self) -> None:
        """Raise `UserError` where its images are not those that it was made with."""
        if changed := self.changed_images():
            raise UserError(
                f"{self.folder.path / changed[0]}; scores would be of other images. Give the "
                "run's own with data.root= or data.file= (mlff verify names all differences), or "
                "score others with dataset=..."
            )

    def saved_scores(self) -> dict[str, dict[str, float]]:
        """Return the final row of the saved matrix by experience and metric.

        Where one head grows, that of all experiences together is in it.
        """
        matrix = self.folder.matrix()
        places = {e.name: e.index for e in self.task.experiences}
        if matrix.scored_together:
            places[ALL_TOGETHER] = TOGETHER
        return {
            name: {
                metric: matrix.score(metric, matrix.learned, place).value
                for metric in matrix.metrics
            }
            for name, place in places.items()
        }

    def scores_now(self) -> dict[str, Mapping[str, float]]:
        """Return the scores of its model as it is, on the same images, by experience and metric."""
        scorer = build_scorer(self.config, self.config["splits"]["scored"])
        experiences = [
            e for e in self.task.experiences if is_readable(self.method, e, scorer.split)
        ]
        scored = {e.name: scorer(self.method, e) for e in experiences}
        found = {name: own.values for name, own in scored.items()}
        learned = [scored[e.name] for e in experiences if e.learned]
        if len(learned) == self.folder.matrix().learned and head_grows(self.task.experiences):
            found[ALL_TOGETHER] = scorer.together(learned).values
        return found

    @cached_property
    def state(self) -> State:
        """Everything that it learned."""
        return load_adapters(self.folder.adapters)

    @cached_property
    def method(self) -> Method:
        """Its method as it was at the end of the run.

        Raises:
            UserError: The adapters are damaged, or belong to another backbone or config.
        """
        method = build_method(self.config)  # without its images: predictions need none
        state = load_adapters(self.folder.adapters, method.context.recipe.fingerprint)
        try:
            method.load(state)
        except RuntimeError as error:
            raise UserError(
                f"{self.folder.adapters}: does not fit {self.folder.path / CONFIG} ({error})"
            ) from error
        return method


def without_names(config: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return a config whose order does not name some experiences."""
    return {**config, "order": [name for name in config["order"] if name not in names]}


def reopen(
    path: Path,
    *,
    trainer: Mapping[str, Any],
    paths: Mapping[str, Any],
    data: Mapping[str, Any] | None = None,
    keep_features: bool = True,
) -> OpenRun:
    """Open a finished run.

    Args:
        path: Its folder.
        trainer: Section of the command's config: `device` and `workers` are taken from it.
        paths: Section of the command's config.
        data: `root` and `file` where its images have moved; None values stay as they were.
        keep_features: Whether features are stored as in the run; else memory alone holds them.

    Raises:
        UserError: There is no run, it is not finished, or its config was changed by hand.
    """
    folder = RunFolder(path)
    config = completed(folder.config())
    try:
        check(config, "train")
    except UserError as error:
        raise UserError(f"{path / CONFIG}: {error}") from error
    if not folder.finished:
        raise UserError(f"{path}: is not finished; mlff train of its config resumes it")
    config["trainer"] = {**config["trainer"], **{key: trainer[key] for key in HERE}}
    config["paths"] = dict(paths)
    config[FROM] = None  # what it went on from is in its own folder
    if not keep_features:
        config["features"] = {**config["features"], "store": False}
    for key, place in (data or {}).items():
        if place is None:
            continue
        if key not in config["data"]:
            raise UserError(
                f"data.{key}: the run's images are those of dataset={config['data']['name']}, "
                f"which has no such key"
            )
        config["data"] = {**config["data"], key: place}
    return OpenRun(folder, config)
