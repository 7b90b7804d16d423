"""How far the images of experiences lie from each other, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlff_cli.results.cells import Row
from mlff_cli.results.table import Column, Table

SHOWN = 12
"""Experiences up to which the whole matrix is shown; of more of them the nearest ones."""


@dataclass(frozen=True)
class Similarity:
    """Distances between the training images of experiences.

    Attributes:
        experiences: Their names.
        distances: (P, P), in deviations within experiences.
    """

    experiences: tuple[str, ...]
    distances: tuple[tuple[float, ...], ...]

    def without(self, name: str) -> "Similarity | None":
        """Return the same without an experience; None where fewer than two are left."""
        kept = [place for place, own in enumerate(self.experiences) if own != name]
        if len(kept) < 2:
            return None
        return Similarity(
            tuple(self.experiences[place] for place in kept),
            tuple(tuple(self.distances[row][column] for column in kept) for row in kept),
        )


def similarity_table(similarity: Similarity) -> Table:
    """Return a row for each experience: the nearest other one, and the distances to all."""
    names = similarity.experiences
    shown = names if len(names) <= SHOWN else ()
    columns = [
        Column("experience"),
        Column("nearest"),
        Column("distance", "number"),
        *(Column(name, "number", key=_key(place)) for place, name in enumerate(shown)),
    ]
    rows: list[Row] = []
    for place, own in enumerate(similarity.distances):
        nearest = _nearest(own, place)
        row: Row = {"experience": names[place], "nearest": names[nearest]}
        row |= {"distance": own[nearest]}
        rows.append(row | {_key(other): own[other] for other in range(len(shown))})
    notes = [
        "distance of the mean training images, as the means of all levels describe them, in "
        "deviations of images within an experience (Mahalanobis): small is alike"
    ]
    return Table("Similarity", columns, rows, notes)


def _key(place: int) -> str:
    return f"to {place}"


def _nearest(distances: Sequence[float], place: int) -> int:
    others = (other for other in range(len(distances)) if other != place)
    return min(others, key=lambda other: distances[other])
