"""What answers on images that nobody has labelled: a run, or what was packed of one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from mlff_cli.errors import UserError, nearest
from mlff_cli.methods.base import Method
from mlff_cli.results.labels import plain
from mlff_cli.results.operating_points import OperatingPoint
from mlff_cli.results.predictions import Kind, good_class
from mlff_cli.runs.adapters_description import head_of
from mlff_cli.runs.adapters_file import fingerprint_of, load_calibration
from mlff_cli.runs.building import build_scorer
from mlff_cli.runs.calibration import Calibration
from mlff_cli.runs.final_scores import good_names
from mlff_cli.runs.modalities import modalities_of
from mlff_cli.runs.reopen import OpenRun

ADAPTERS = "adapters/adapters.json"


@dataclass(frozen=True)
class Deployed:
    """Everything that predictions need; no score, no image, no data set.

    Attributes:
        kind: What is asked of an image.
        heads: The outputs of each head by its name.
        experiences: What was learned, in order, and the head that reads it.
        points: Operating points by the experience, its name on one line.
        calibration: How unlike the training images an image is.
        good: The classes called good.
        bits: Of the range that 16-bit images are scaled from; None where it has seen none such.
        provenance: Where it comes from, column by column of a file of answers.
        modalities: The images of each part, where it reads several.
        method_of: Returns the method that answers with a head.
    """

    kind: Kind
    heads: Mapping[str, tuple[str, ...]]
    experiences: Mapping[str, str]
    points: Mapping[str, OperatingPoint]
    calibration: Calibration
    good: tuple[str, ...]
    bits: int | None
    provenance: Mapping[str, str]
    modalities: tuple[str, ...]
    method_of: Callable[[str], Method]

    def product(self, name: str | None) -> "Product":
        """Return what answers for a product, batch or head of that name; None: the only one.

        Raises:
            UserError: There is no such product, or several and none was named.
        """
        names = list(self.experiences)
        if name is None and len(self.heads) == 1:
            # Of several batches that share a head the last one is the line as it is now.
            return self._product(names[-1])
        if name is None:
            raise UserError(
                f"product= is needed: this run knows several ({nearest('', names)}); name the one "
                "that the images are of, or give product=auto"
            )
        if name in self.experiences:
            return self._product(name)
        if name in self.heads:
            return self._product(next(e for e in reversed(names) if self.experiences[e] == name))
        raise UserError(f"product={name}: {nearest(name, names)}")

    def _product(self, experience: str) -> "Product":
        head = self.experiences[experience]
        outputs = self.heads[head]
        return Product(
            experience,
            head,
            outputs,
            good_class(self.good, outputs, self.kind),
            self.points.get(plain(experience)),
        )


@dataclass(frozen=True)
class Product:
    """What images of one kind are answered by.

    Attributes:
        name: Of the experience.
        head: Name of the head that reads it.
        outputs: What the head answers with.
        good: The class of good parts, "" where they bear no label; None where there are none.
        point: Its operating point; None where none was chosen.
    """

    name: str
    head: str
    outputs: tuple[str, ...]
    good: str | None
    point: OperatingPoint | None


def of_run(opened: OpenRun) -> Deployed:
    """Return what a finished run predicts with."""
    record, heads = opened.record, dict(opened.method.heads)
    return Deployed(
        kind=build_scorer(opened.config, "test").kind,
        heads=heads,
        experiences={name: head_of(name, heads) for name in record.facts.experiences},
        points={point.experience: point for point in record.points},
        calibration=load_calibration(opened.folder.adapters),
        good=record.good or good_names(opened.data),
        bits=_bits(opened.data.get("bits")),
        provenance={
            "run": opened.folder.path.resolve().name,
            "backbone": record.facts.backbone,
            "model": fingerprint_of(opened.folder.adapters),
            "adapters": record.digests.get(ADAPTERS, ""),
        },
        modalities=modalities_of(opened.config),
        method_of=lambda head: opened.method,
    )


def _bits(known: int | Literal["auto"] | None) -> int | None:
    return known if isinstance(known, int) else None
