"""Which levels of a backbone a task needs, told by training images before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlff_cli.results.cells import Row
from mlff_cli.results.table import Column, Table

if TYPE_CHECKING:  # what opens a finished run needs no torch
    from mlff_cli.audit.separability import Separability

MOST = 3
"""Levels that are chosen, at most."""


@dataclass(frozen=True)
class LevelScore:
    """What some levels together tell of the training images.

    Attributes:
        nearest: How often the nearest neighbour is of the same class, every class weighing alike;
            of numbers the share of the floor's error that it saves.
        logme: LogME, per image.
        chosen: Whether it is a step of the choice.
    """

    levels: tuple[str, ...]
    nearest: float
    logme: float
    chosen: bool = False


@dataclass(frozen=True)
class LevelChoice:
    """The levels that a run's fusion layers read, and why.

    Attributes:
        levels: The shallowest first.
        experience: Whose training images told.
        images: How many of them were looked at.
        floor: What `nearest` is by chance.
        scores: Of all that was tried, in its order.
        extraction_seconds: What the features took that were not stored before.
    """

    levels: tuple[str, ...]
    experience: str
    images: int
    floor: float
    scores: tuple[LevelScore, ...]
    extraction_seconds: float = 0.0


def choose_levels(seen: "Separability", experience: str, most: int = MOST) -> LevelChoice:
    """Choose up to `most` levels, one after another.

    Of the levels that could come next those count whose nearest neighbours are within a standard
    error of the best; of these the one of the highest LogME is taken, as long as LogME grows by it.
    """
    order, taken = list(seen.products), list[str]()
    scores: list[LevelScore] = []
    floor, best = 0.0, float("-inf")
    for _ in range(min(most, len(order))):
        tried = [_tried(seen, order, [*taken, name]) for name in order if name not in taken]
        highest = max((score for score, _ in tried), key=lambda score: score.nearest)
        error = next(error for score, error in tried if score is highest)
        near = [score for score, _ in tried if score.nearest >= highest.nearest - error]
        step = max(near, key=lambda score: score.logme)
        grows = not taken or step.logme > best
        scores += [
            LevelScore(s.levels, s.nearest, s.logme, chosen=grows and s is step) for s, _ in tried
        ]
        if not grows:
            break
        taken, best = list(step.levels), step.logme
    floor = seen.neighbours(taken).floor
    return LevelChoice(tuple(taken), experience, len(seen.targets), floor, tuple(scores))


def levels_table(choice: LevelChoice) -> Table:
    """Return what was tried, and what was chosen, as a table."""
    columns = [
        Column("levels"),
        Column("nearest neighbours", "fraction"),
        Column("LogME", "number"),
        Column("step"),
    ]
    rows: list[Row] = [
        {
            "levels": " + ".join(score.levels),
            "nearest neighbours": score.nearest,
            "LogME": score.logme,
            "step": "chosen" if score.chosen else "",
        }
        for score in choice.scores
    ]
    note = (
        f"{', '.join(choice.levels)}: chosen by {choice.images} training images of "
        f"'{choice.experience}', before anything was trained; nearest neighbours are right by "
        f"chance in {100 * choice.floor:.0f} %"
    )
    return Table("Levels", columns, rows, [note])


def _tried(
    seen: "Separability", order: Sequence[str], names: Sequence[str]
) -> tuple[LevelScore, float]:
    """Return what levels tell, in the order of depth, and the standard error of the neighbours."""
    levels = tuple(name for name in order if name in names)
    found = seen.neighbours(levels)
    return LevelScore(levels, found.score, seen.logme(levels)), found.error
