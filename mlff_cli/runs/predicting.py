"""What a finished run says of images that nobody has labelled."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError, nearest
from mlff_cli.images.decoding import WIDEST, wide_values
from mlff_cli.results.labels import plain
from mlff_cli.results.operating_points import OperatingPoint
from mlff_cli.results.predictions import Predictions, defect_scores
from mlff_cli.runs.building import build_scorer
from mlff_cli.runs.reopen import OpenRun

AT_ONCE = 512
"""Images whose features are in memory together."""

Decision = Literal["ok", "defect", ""]


@dataclass(frozen=True)
class Answer:
    """What is said of one image.

    Attributes:
        path: As it was asked for.
        content: SHA-256 of the file; "" where it cannot be read.
        label: The class, the labels or the numbers predicted, joined by ";".
        scores: Of every output.
        defect_score: How surely it is defective; None where the product knows no good parts.
        decision: By the threshold; "" without one.
        milliseconds: Its share of the time that its batch took.
        problem: Why nothing is said; "" otherwise.
        where: What speaks for the label, place by place (H, W); None where it was not asked for.
    """

    path: str
    content: str = ""
    label: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    defect_score: float | None = None
    decision: Decision = ""
    milliseconds: float = 0.0
    problem: str = ""
    where: NDArray[np.float32] | None = None


class Predictor:
    """A run that answers for one product.

    Attributes:
        head: What answers.
        point: The threshold; None where none was chosen.
    """

    def __init__(self, opened: OpenRun, product: str | None, *, look: bool = False) -> None:
        """Take the head and the threshold of a product; with `look`, say where it looked.

        Raises:
            UserError: There is no such product, or several and none was named; or the run keeps
                nothing of places.
        """
        if look and not opened.method.has_places:
            raise UserError(
                "overlays: the fusion layer of this run keeps nothing of places, so that where it "
                "looked is not known (that of method=mlff fusion=local is)"
            )
        self.opened = opened
        self.head, self.point = _of_product(opened, product)
        self._look = look
        self._kind = build_scorer(opened.config, "test").kind

    @property
    def product(self) -> str:
        """Whose threshold it is: the head's name, or that of an experience that reads it."""
        return self.point.experience if self.point else self.head

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names that the head answers with."""
        return self.opened.method.heads[self.head]

    @property
    def threshold(self) -> float | None:
        """From which score of a defect an image is defective; None where none was chosen."""
        return self.point.threshold if self.point else None

    @property
    def scores_are_shares(self) -> bool:
        """Whether scores lie between 0 and 1; else they are numbers in their own units."""
        return self._kind != "numbers"

    @property
    def provenance(self) -> dict[str, str]:
        """The run, its backbone, and the hash of what it learned."""
        facts, digests = self.opened.record.facts, self.opened.record.digests
        return {
            "run": self.opened.folder.path.resolve().name,
            "backbone": facts.backbone,
            "adapters": digests.get("adapters/adapters.json", ""),
        }

    def answers(self, paths: Sequence[Path]) -> Iterator[Answer]:
        """Yield what is said of each image, in their order; features are not kept."""
        for start in range(0, len(paths), AT_ONCE):
            yield from self._batch(paths[start : start + AT_ONCE])

    def _batch(self, paths: Sequence[Path]) -> list[Answer]:
        """Answer for some images; one that cannot be read is found by halves."""
        try:
            return self._answered(paths)
        except UserError as error:
            if len(paths) == 1:
                return [Answer(str(paths[0]), problem=_problem(error, paths[0]))]
            half = len(paths) // 2
            return [*self._batch(paths[:half]), *self._batch(paths[half:])]

    def _answered(self, paths: Sequence[Path]) -> list[Answer]:
        started = time.perf_counter()
        images = [FileImage(path.absolute(), self._bits(path)) for path in paths]
        contents = [FileImage(image.path).identity() for image in images]
        scores = self.opened.method.scores(self.head, images)
        where = self._where(images, scores)
        self.opened.method.context.features.forget()
        told = self._told(paths, contents, scores)
        defects = self._defects(told)
        milliseconds = 1000 * (time.perf_counter() - started) / len(paths)
        return [
            Answer(
                str(path),
                content,
                ";".join(label),
                dict(zip(told.outputs, map(float, row), strict=True)),
                defect,
                self._decided(defect),
                milliseconds,
                where=places,
            )
            for path, content, label, row, defect, places in zip(
                paths,
                contents,
                told.predicted,
                scores.astype(str).tolist(),
                defects,
                where,
                strict=True,
            )
        ]

    def _where(
        self, images: Sequence[FileImage], scores: NDArray[np.float32]
    ) -> Sequence[NDArray[np.float32] | None]:
        """Return what speaks for the highest score of each image."""
        if not self._look:
            return [None] * len(images)
        highest = scores.argmax(axis=1).tolist()
        return list(self.opened.method.where(self.head, images, highest))

    def _told(
        self, paths: Sequence[Path], contents: Sequence[str], scores: NDArray[np.float32]
    ) -> Predictions:
        return Predictions(
            experience=self.head,
            trained=len(self.opened.record.facts.experiences),
            split="",
            kind=self._kind,
            outputs=self.outputs,
            images=list(map(str, paths)),
            contents=contents,
            groups=[""] * len(paths),
            truths=[()] * len(paths),
            scores=scores,
        )

    def _defects(self, told: Predictions) -> list[float | None]:
        if self.point is None:
            return [None] * len(told)
        return list(defect_scores(told, self.point.good).tolist())

    def _decided(self, defect: float | None) -> Decision:
        if self.threshold is None or defect is None:
            return ""
        return "defect" if defect >= self.threshold else "ok"

    def _bits(self, path: Path) -> int:
        """Return the bits of the range that a 16-bit image is scaled from: those of the run.

        Raises:
            UserError: The image has 16 bits and the run has seen none such.
        """
        known = self.opened.data.get("bits")
        if isinstance(known, int):
            return known
        if wide_values(path) is not None:
            raise UserError(
                f"{path}: has 16 bits, and the run was trained on images of 8 bits; save it as "
                "those were"
            )
        return WIDEST


def _of_product(opened: OpenRun, product: str | None) -> tuple[str, OperatingPoint | None]:
    """Return the head of a product, and its threshold."""
    heads, facts = list(opened.method.heads), opened.record.facts
    names = facts.experiences
    points = {point.experience: point for point in opened.record.points}
    if product is None and len(heads) == 1:
        # Of several batches that share a head the last one is the line as it is now.
        return heads[0], points.get(plain(names[-1]))
    if product is None:
        raise UserError(
            f"product= is needed: this run knows several ({nearest('', heads)}); name the one that "
            "the images are of"
        )
    if product in heads:
        return product, points.get(plain(product))
    if len(heads) == 1 and product in names:
        return heads[0], points.get(plain(product))
    raise UserError(f"product={product}: {nearest(product, heads if len(heads) > 1 else names)}")


def _problem(error: UserError, path: Path) -> str:
    """Return what is wrong with an image, without its name and the remedies of training."""
    return str(error).removeprefix(f"{path.absolute()}: ").removeprefix(f"{path}: ").split(". ")[0]
