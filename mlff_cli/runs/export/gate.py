"""The gate: an exported file says of the validation images what the run says, or is not kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from mlff_cli.errors import SHOWN
from mlff_cli.heads.decision import DECISIONS, Decision
from mlff_cli.heads.novelty import Novelty
from mlff_cli.methods.base import Method
from mlff_cli.metrics.registry import by_name, computed
from mlff_cli.results.predictions import Kind, predicted
from mlff_cli.runs.calibration import novelty_descriptors
from mlff_cli.runs.export.session import Said
from mlff_cli.runs.predicting import AT_ONCE
from mlff_cli.tasks.record import ImageSource, Record

TOLERANCE = 1e-4
"""How far scores may lie from those of the run at full precision; numbers above 1 by that share."""

Answer = Callable[[NDArray[np.uint8]], Said]
"""What answers for images (1, H, W, 3) of any size."""


@dataclass(frozen=True)
class Judged:
    """What was said of N images.

    Attributes:
        scores: (N, O).
        codes: (N,), of decisions.
    """

    scores: NDArray[np.float32]
    codes: NDArray[np.int64]


def judged_by_run(
    method: Method,
    head: str,
    novelty: Novelty | None,
    decision: Decision,
    images: Sequence[ImageSource],
) -> Judged:
    """Return what a run says of images: some at a time, so that memory does not grow with them."""
    scores, codes = [], []
    for start in range(0, len(images), AT_ONCE):
        part = images[start : start + AT_ONCE]
        given, descriptors = method.answers(head, part)
        seen = novelty_descriptors(method, part, descriptors)
        p_values = None if novelty is None else novelty(seen)
        scores.append(given)
        codes.append(decision(torch.from_numpy(given), p_values).numpy())
        method.context.features.forget()
    return Judged(np.concatenate(scores), np.concatenate(codes))


def judged_by_file(answer: Answer, images: Sequence[ImageSource]) -> Judged:
    """Return what a file says of images, each at its own size (1, H, W, 3) and alone."""
    said = [answer(image.load()[None]) for image in images]
    return Judged(
        np.concatenate([one.scores for one in said]), np.concatenate([one.decision for one in said])
    )


@dataclass(frozen=True)
class Comparison:
    """What a run and a file say of the same validation images.

    Attributes:
        kind: What is asked of an image.
        outputs: Names of the scores.
        names: Of the images.
        targets: As metrics take them.
        metrics: Files of the metrics of the head, the one that counts first.
        run: What the run says.
        file: What the file says.
    """

    kind: Kind
    outputs: Sequence[str]
    names: Sequence[str]
    targets: NDArray[np.generic]
    metrics: Sequence[str]
    run: Judged
    file: Judged

    @property
    def difference(self) -> float:
        """The largest difference of a score; of numbers above 1 as a share of them."""
        apart = np.abs(self.run.scores.astype(np.float64) - self.file.scores)
        return float((apart / np.maximum(1, np.abs(self.run.scores))).max())

    @cached_property
    def changed(self) -> list[str]:
        """In words the images whose label or decision is another."""
        pairs = zip(self.names, self._words(self.run), self._words(self.file), strict=True)
        return [f"{name} ({old}, now {new})" for name, old, new in pairs if old != new]

    @property
    def drop(self) -> float:
        """What is lost, as a share: of images that change, or by which an error grows."""
        share = len(self.changed) / len(self.names)
        if self.kind != "numbers":
            return share
        before, after = (next(iter(self._values(part).values())) for part in (self.run, self.file))
        return max(share, (after - before) / before if before else float(after > 0))

    def refusal(self, max_drop: float | None) -> str | None:
        """Return why the file is not kept; None where it is.

        Args:
            max_drop: The share that may be lost; None at full precision, where nothing may.
        """
        told = [*self.changed[:SHOWN], *(["..."] if len(self.changed) > SHOWN else [])]
        images = f": {', '.join(told)}" if told else ""
        if max_drop is None and (self.changed or self.difference > TOLERANCE):
            return (
                f"{len(self.changed)} of {len(self.names)} validation images are answered "
                f"otherwise, and scores differ by up to {self.difference:.2g} (at most "
                f"{TOLERANCE:g} may be){images}"
            )
        if max_drop is not None and self.drop > max_drop:
            return (
                f"{self.sentence}{images}. That is a loss of {self.drop:.3g}, more than "
                f"max_drop={max_drop:g}: give precision=fp16 or fp32, or a larger max_drop"
            )
        return None

    @property
    def sentence(self) -> str:
        """What is lost, in words."""
        before, after = self._values(self.run), self._values(self.file)
        measured = [f"{name} {_told(name, before[name])} -> {_told(name, after[name])}"
                    for name in before if before[name] == before[name]]  # fmt: skip
        return (
            f"{len(self.names)} validation images: {', '.join(measured)}; "
            f"{len(self.changed)} answered otherwise, scores differ by up to {self.difference:.2g}"
        )

    def _words(self, part: Judged) -> list[str]:
        """Return what is said of each image: label and decision; of numbers the decision alone."""
        decisions = [DECISIONS[code] for code in part.codes]
        if self.kind == "numbers":
            return decisions
        labels = predicted(self.kind, self.outputs, part.scores)
        return [
            " ".join(filter(None, (";".join(label) or "no label", decision)))
            for label, decision in zip(labels, decisions, strict=True)
        ]

    def _values(self, part: Judged) -> Mapping[str, float]:
        return computed(self.metrics, part.scores, self.targets, self.outputs)


def compared(
    records: Sequence[Record],
    method: Method,
    head: str,
    kind: Kind,
    judged: tuple[Judged, Judged],
) -> Comparison:
    """Return the comparison of what a run and a file say of records."""
    own = method.adapters[head]
    return Comparison(
        kind=kind,
        outputs=own.outputs,
        names=[record.name for record in records],
        targets=own.targets(records, own.outputs).numpy(),
        metrics=own.metrics,
        run=judged[0],
        file=judged[1],
    )


def _told(name: str, value: float) -> str:
    return f"{100 * value:.1f} %" if by_name(name).in_percent else f"{value:.4g}"
