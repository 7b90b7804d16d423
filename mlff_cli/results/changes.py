"""Where two models answer otherwise: the images whose label or decision is another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlff_cli.results.cells import Row
from mlff_cli.results.labels import plain
from mlff_cli.results.operating_points import OperatingPoint
from mlff_cli.results.predictions import Predictions, defect_scores
from mlff_cli.results.table import Column, Table

OK, DEFECT = "ok", "defect"


@dataclass(frozen=True)
class Said:
    """What a model says of an image.

    Attributes:
        image: Its name or path.
        product: The experience that it belongs to.
        label: What it is taken for.
        decision: What is to be done with the part; "" where nothing says so.
    """

    image: str
    product: str
    label: str
    decision: str

    @property
    def words(self) -> str:
        """Label and decision in one."""
        return f"{self.label}: {self.decision}" if self.decision else self.label


Key = tuple[str, str]
"""Product and content of an image."""


def said_of(
    predictions: Iterable[Predictions], points: Mapping[str, OperatingPoint]
) -> dict[Key, Said]:
    """Return what a run said of images, by product and content.

    Args:
        predictions: Of its final model.
        points: Its thresholds by experience.
    """
    return {
        (part.experience, content): Said(image, part.experience, ";".join(label), decision)
        for part in predictions
        for image, content, label, decision in zip(
            part.images,
            part.contents,
            part.predicted,
            _decisions(part, points.get(part.experience)),
            strict=True,
        )
    }


def _decisions(part: Predictions, point: OperatingPoint | None) -> list[str]:
    if point is None or point.threshold is None:
        return [""] * len(part)
    return [DEFECT if score >= point.threshold else OK for score in defect_scores(part, point.good)]


def changed(before: Mapping[Key, Said], after: Mapping[Key, Said]) -> list[tuple[Said, Said]]:
    """Return what is said otherwise of an image that both have answered."""
    return [
        (said, after[key])
        for key, said in before.items()
        if key in after and said.words != after[key].words
    ]


def changes_table(
    pairs: Sequence[tuple[Said, Said]], compared: int, limit: int, names: tuple[str, str]
) -> Table:
    """Return a row for each image that is answered otherwise.

    Args:
        pairs: What was said before and after.
        compared: The number of images that both answered.
        limit: Rows at most; 0: all.
        names: What the two are called.
    """
    columns = [Column("image"), Column("product"), Column("before"), Column("after")]
    shown = pairs[: limit or None]
    rows: list[Row] = [
        {
            "image": plain(old.image),
            "product": old.product,
            "before": plain(old.words),
            "after": plain(new.words),
        }
        for old, new in shown
    ]
    notes = [
        f"{len(pairs)} of {compared} images are answered otherwise; before: {names[0]}, "
        f"after: {names[1]}"
    ]
    if len(shown) < len(pairs):
        notes.insert(0, f"the first {len(shown)} of them; limit=0 shows all")
    return Table("", columns if rows else [], rows, notes)
