"""What is said of one image, and what every predictor says it with; imports no torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mlff_cli.data.asked import Asked, One, PartFiles
from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.images.decoding import WIDEST, wide_values
from mlff_cli.images.given import GivenImage
from mlff_cli.tasks.modalities import MultimodalImage, parts_of
from mlff_cli.tasks.record import ImageSource


@dataclass(frozen=True)
class Answer:
    """What is said of one image.

    Attributes:
        path: As it was asked for; of several images of a part the first.
        content: SHA-256 of the file, of pixels in memory, or of those of several images; "" where
            it cannot be read.
        product: Whose head answers.
        product_sure: How sure the product is where it was found out: 1 - the distance to its
            training images over that to the next product's; 0: a toss-up.
        label: The class, the labels or the numbers predicted, joined by ";".
        scores: Of every output.
        defect_score: How surely it is defective; None where the product knows no good parts.
        threshold: From which score of a defect it is defective; None where none was chosen.
        novelty: The share of validation images that are less unlike the training images; None
            where nothing is known of these.
        decision: What to do with the part; "" where nothing says so.
        milliseconds: Its share of the time that its batch took.
        problem: Why nothing is said; "" otherwise.
        missing: Modalities that were not given, where the run reads several.
        where: What speaks for the label, place by place (H, W); None where it was not asked for.
    """

    path: str
    content: str = ""
    product: str = ""
    product_sure: float | None = None
    label: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    defect_score: float | None = None
    threshold: float | None = None
    novelty: float | None = None
    decision: str = ""
    milliseconds: float = 0.0
    problem: str = ""
    missing: Sequence[str] = ()
    where: NDArray[np.float32] | None = None


class Answering(Protocol):
    """What answers for images: a run, what was packed of one, or an exported file."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names that it answers with."""
        ...

    @property
    def scores_are_shares(self) -> bool:
        """Whether scores lie between 0 and 1; else they are numbers in their own units."""
        ...

    @property
    def provenance(self) -> Mapping[str, str]:
        """Where the answers come from, column by column of a file of answers."""
        ...

    @property
    def product_names(self) -> Sequence[str]:
        """Of those that it may answer for."""
        ...

    @property
    def modalities(self) -> Sequence[str]:
        """The images of each part, where it reads several."""
        ...

    @property
    def remark(self) -> str:
        """What decisions cannot be, though it is asked for; "" where there is nothing to say."""
        ...

    def answers(self, images: Sequence[Asked]) -> Iterator[Answer]:
        """Yield what is said of each image, in their order."""
        ...


def image_of(asked: One, bits: int | None) -> FileImage | GivenImage:
    """Return an image that is asked about, 16 bits scaled from the range they had in training.

    Args:
        asked: A file, or an image in memory.
        bits: Of that range; None where no image of the run had 16 bits.

    Raises:
        UserError: The image has 16 bits and the run has seen none such.
    """
    if bits is None and _is_wide(asked):
        raise UserError(
            f"{asked}: has 16 bits, and the run was trained on images of 8 bits; save it as "
            "those were"
        )
    bits = WIDEST if bits is None else bits
    if isinstance(asked, GivenImage):
        return asked.scaled_from(bits)
    return FileImage(asked.absolute(), bits)


def _is_wide(asked: One) -> bool:
    return asked.is_wide if isinstance(asked, GivenImage) else wide_values(asked) is not None


def source_of(asked: Asked, bits: int | None) -> ImageSource:
    """Return what was asked as an image, of one or of several; raises as `image_of`."""
    if isinstance(asked, PartFiles):
        return MultimodalImage(tuple((name, image_of(path, bits)) for name, path in asked.files))
    return image_of(asked, bits)


def content_of(image: ImageSource) -> str:
    """Return what tells an image from others, whatever its values are scaled from.

    The hash of its file, of its pixels where it is in memory, or of those of several.

    Raises:
        UserError: It cannot be read.
    """
    if isinstance(image, MultimodalImage):
        return image.identity_of([content_of(part) for part in parts_of(image)])
    if isinstance(image, GivenImage):
        return image.scaled_from(WIDEST).identity()
    return FileImage(image.path).identity() if isinstance(image, FileImage) else image.identity()


def problem_of(error: UserError, asked: One) -> str:
    """Return what is wrong with an image, without its name and the remedies of training."""
    told = str(error)
    if isinstance(asked, Path):
        told = told.removeprefix(f"{asked.absolute()}: ")
    return told.removeprefix(f"{asked}: ").split(". ")[0]
