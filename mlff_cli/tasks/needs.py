"""What every product, batch and class should get of each split, and the search for it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlff_cli.tasks.units import FREE, TEST, TRAIN, VALIDATION, Integers, Units

STEPS, STEPS_A_NEED = 100, 10
"""Moves after which the search ends: at least, and more for each need that is open at first."""

NOISE = 0.2
"""Share of moves that are not the best ones, so that the search leaves dead ends."""

Need = tuple[Integers, int, int]
"""Units, the split that one of them must be in, and its rank: higher ones go before."""


@dataclass(frozen=True)
class Needs:
    """Needs that a draw can meet, as pairs of a need and one of its units.

    The most important first: every class (along batches: every class of each batch) is trained
    on; every atom of two units or more is tested; every class of two units or more is tested;
    every atom of three units or more is validated. However many needs of a lower rank a draw
    would meet, it never gives up one of a higher rank for them. A split whose share is 0 is not
    needed.
    """

    need_of: Integers  # (pairs,)
    unit_of: Integers  # (pairs,)
    split: Integers  # (needs,)
    cost: NDArray[np.float64]  # (needs,)
    free: NDArray[np.bool_]  # (units,)

    @classmethod
    def of(cls, units: Units, aims: NDArray[np.float64]) -> "Needs":
        """Return the needs of a component whose units are not all fixed otherwise."""
        free = units.fixed == FREE
        needs = [
            need
            for need in _needs(units, aims)
            if (free[need[0]] | (units.fixed[need[0]] == need[1])).any()
        ]
        sizes = np.array([len(members) for members, _, _ in needs], dtype=np.int64)
        return cls(
            need_of=np.repeat(np.arange(len(needs)), sizes),
            unit_of=np.concatenate([np.array([], dtype=np.int64), *(need[0] for need in needs)]),
            split=np.array([split for _, split, _ in needs], dtype=np.int64),
            cost=(len(needs) + 1.0) ** np.array([rank for _, _, rank in needs], dtype=np.float64),
            free=free,
        )

    def unmet(self, drawn: Integers) -> float:
        """Return what the needs cost that a draw leaves open; 0 when all are met."""
        return float(self.cost[self._counts(drawn) == 0].sum())

    def repaired(self, drawn: Integers, random: np.random.Generator) -> Integers:
        """Return a draw that meets as many needs as a search from this one finds, or itself.

        Each step picks an open need at random and moves the unit whose move opens the fewest
        others: WalkSAT (Selman, Kautz & Cohen 1994). A step may open another need for a while,
        so chains of batches that share their groups are solved as well; the best draw is kept.
        """
        best, least = drawn, self.unmet(drawn)
        steps = STEPS + STEPS_A_NEED * int((self._counts(drawn) == 0).sum())
        for _ in range(steps):
            if least == 0:
                break
            drawn = self._step(drawn, random)
            if (left := self.unmet(drawn)) < least:
                best, least = drawn, left
        return best

    def _counts(self, drawn: Integers) -> Integers:
        held = drawn[self.unit_of] == self.split[self.need_of]
        return np.bincount(self.need_of[held], minlength=len(self.split))

    def _step(self, drawn: Integers, random: np.random.Generator) -> Integers:
        """Return a draw in which one more need, drawn from the open ones, is met."""
        counts = self._counts(drawn)
        need = random.choice(np.flatnonzero(counts == 0))
        units = self.unit_of[self.need_of == need]
        units = units[self.free[units]]
        harm = self._harm(drawn, counts, int(self.split[need]))[units]
        if random.random() >= NOISE:
            units = units[harm == harm.min()]
        moved = drawn.copy()
        moved[random.choice(units)] = self.split[need]
        return moved

    def _harm(self, drawn: Integers, counts: Integers, split: int) -> NDArray[np.float64]:
        """Return what moving each unit to a split would cost, less what it would save."""
        held = drawn[self.unit_of] == self.split[self.need_of]
        opened = held & (counts[self.need_of] == 1)
        met = (self.split[self.need_of] == split) & (counts[self.need_of] == 0)
        costs = self.cost[self.need_of] * (opened.astype(np.float64) - met)
        harm: NDArray[np.float64] = np.bincount(
            self.unit_of, weights=costs, minlength=len(drawn)
        ).astype(np.float64)
        return harm


def _needs(units: Units, aims: NDArray[np.float64]) -> Iterator[Need]:
    yield from ((members, TRAIN, 3) for members in units.cells)
    if aims[TEST] > 0:
        yield from ((members, TEST, 2) for members in units.atoms if len(members) > 1)
        yield from ((members, TEST, 1) for members in units.classes if len(members) > 1)
    if aims[VALIDATION] > 0:
        fewest = 3 if aims[TEST] > 0 else 2
        yield from ((members, VALIDATION, 0) for members in units.atoms if len(members) >= fewest)
