"""Answers of an exported ONNX file; imports no torch."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from mlff_cli.data.asked import Asked, One, file_of
from mlff_cli.errors import UserError
from mlff_cli.results.predictions import predicted
from mlff_cli.runs.answer import Answer, content_of, image_of, problem_of
from mlff_cli.runs.export.card import Card, card_of
from mlff_cli.runs.export.session import NEVER, NOVELTY, THRESHOLD, Session
from mlff_cli.system.onnx_runtime import is_sealed

SUFFIX = ".onnx"


@dataclass(frozen=True)
class FilePredictor:
    """Answers for images by an exported file, one after another.

    Attributes:
        session: The graph.
        card: What the file says of itself.
        limits: Numbers that decide instead of those in the file, by the names of inputs.
        threshold: From which score of a defect an image is defective; None where none was chosen.
    """

    session: Session
    card: Card
    limits: Mapping[str, np.floating[Any]]
    threshold: float | None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names that it answers with."""
        return self.card.classes

    @property
    def scores_are_shares(self) -> bool:
        """Whether scores lie between 0 and 1; else they are numbers in their own units."""
        return self.card.kind != "numbers"

    @property
    def provenance(self) -> Mapping[str, str]:
        """Where the answers come from."""
        return self.card.provenance

    @property
    def product_names(self) -> list[str]:
        """The one that it answers for."""
        return [self.card.product]

    @property
    def modalities(self) -> tuple[str, ...]:
        """None: a file takes one image of each part."""
        return ()

    @property
    def remark(self) -> str:
        """Nothing: what the file knows was said when it was made."""
        return ""

    def answers(self, images: Sequence[Asked]) -> Iterator[Answer]:
        """Yield what is said of each image, in their order."""
        for path in map(file_of, images):
            try:
                yield self._answer(path)
            except UserError as error:
                yield Answer(str(path), problem=problem_of(error, path))

    def _answer(self, path: One) -> Answer:
        started = time.perf_counter()
        image = image_of(path, self.card.bits)
        content = content_of(image)
        said = self.session(image.load()[None], self.limits)
        (label,) = predicted(self.card.kind, self.card.classes, said.scores)
        return Answer(
            str(path),
            content,
            self.card.product,
            label=";".join(label),
            scores=dict(
                zip(self.card.classes, map(float, said.scores[0].astype(str)), strict=True)
            ),
            defect_score=_known(said.defect_score[0]),
            threshold=self.threshold,
            novelty=_known(said.novelty[0]),
            decision=self.card.decisions[said.decision[0]],
            milliseconds=1000 * (time.perf_counter() - started),
        )


def opened_file(path: Path, config: Mapping[str, Any]) -> FilePredictor:
    """Open an exported file to predict with.

    Args:
        path: The file.
        config: Of `mlff predict`.

    Raises:
        UserError: It is no such file or damaged, or something is asked for that is not in it.
    """
    content = _read(path)
    session = Session(content, str(path))
    card = card_of(session.metadata, str(path))
    if not is_sealed(content):
        raise UserError(
            f"{path}: is damaged, or was changed after mlff export made it; export it again"
        )
    if config["product"] not in (None, card.product):
        raise UserError(
            f"product={config['product']}: {path} answers for '{card.product}' alone; leave "
            "product= away, or export the other product to a file of its own"
        )
    if config["overlays"]:
        raise UserError("overlays: an exported file does not say where it looked; give the run")
    limits = _limits(path, card, session, config)
    threshold = float(limits[THRESHOLD]) if THRESHOLD in limits else card.threshold
    return FilePredictor(session, card, limits, threshold)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _limits(
    path: Path, card: Card, session: Session, config: Mapping[str, Any]
) -> dict[str, np.floating[Any]]:
    """Return the numbers that are asked for and are not those in the file.

    Raises:
        UserError: The file cannot decide by them.
    """
    threshold, asked = config["operating_point"]["threshold"], config["decision"]
    limits: dict[str, np.floating[Any]] = {}
    if threshold is not None:
        limits[THRESHOLD] = np.float64(threshold)
    if asked["novelty"] is not None:
        limits[NOVELTY] = np.float32(asked["novelty"] or NEVER)
    if asked["novelty"] == 0 and NOVELTY not in session.settings:
        del limits[NOVELTY]  # it knows of none anyway
    missing = [name for name in limits if name not in session.settings]
    if missing or asked["review"] not in (None, card.review or 0.0):
        key = {THRESHOLD: "operating_point.threshold", NOVELTY: "decision.novelty"}
        wrong = key[missing[0]] if missing else "decision.review"
        raise UserError(
            f"{wrong}: {path} was exported without it; give it to mlff export, or predict with "
            "the run"
        )
    return limits


def _known(value: np.floating[Any]) -> float | None:
    """Return a number; None for nan, which says that there is none."""
    return None if isnan(value) else float(value)
