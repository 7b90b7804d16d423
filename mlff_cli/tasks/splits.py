"""Which record is trained on, validated on and tested on: by group, seeded, stratified."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import UserError
from mlff_cli.tasks.components import Component, components
from mlff_cli.tasks.experience import SPLITS, SplitName
from mlff_cli.tasks.needs import Needs
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.schedule import Line
from mlff_cli.tasks.units import FREE, TEST, TRAIN, VALIDATION, Integers, Units

PATIENCE = 30
"""Draws in a row that are no better, after which the best one is taken."""


def split_records(
    records: Sequence[Record], *, line: Line, test: float, validation: float, seed: int
) -> dict[str, SplitName]:
    """Return the split of each record by its name; `test` and `validation` are shares of all.

    Each atom of the line (product, batch or class) is drawn by a generator of its own, from the
    seed and its name: the result depends on these, on the names, labels and groups of its own
    records, and on nothing else in the data set. Atoms that share a group, or an image of several
    classes, cannot be drawn apart: they are drawn together, from all their names.

    Groups stay whole. `Record.split` is respected, and the rest of its group follows it. Of each
    class (product and label) the aimed share is drawn as nearly as its groups allow, and every
    atom gets what `Needs` lists: of many draws the one that leaves the least open, then the one
    nearest to the aim is taken. Along classes a record without a label is in no split.

    Raises:
        UserError: Shares that leave nothing to train on, or a group fixed to two splits.
    """
    if not (test >= 0 and validation >= 0 and test + validation < 1):
        raise UserError(
            f"splits.test={test}, splits.validation={validation}: give shares from 0 that leave "
            "some of the records to train on (sum below 1)"
        )
    aims = np.array([1 - validation - test, validation, test])
    splits: dict[str, SplitName] = {}
    for component in components(records, line):
        units = Units.of(component, line)
        drawn = _best(units, aims, _generator(seed, line, component))[units.of_record]
        for record, split in zip(component.records, drawn.tolist(), strict=True):
            splits[record.name] = SPLITS[split]
    return splits


def _generator(seed: int, line: Line, component: Component) -> np.random.Generator:
    key = json.dumps([seed, line, component.atoms])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest(), "big"))


def _best(units: Units, aims: NDArray[np.float64], random: np.random.Generator) -> Integers:
    """Return the best of many draws: of fewer for many records, of one where all are alike."""
    needs = Needs.of(units, aims)
    attempts = int(np.clip(2_000_000 // (len(units.unit_of) + 100 * len(units.classes)), 5, 500))
    patience = 0 if units.alike else PATIENCE
    best, least, waited = units.fixed, (np.inf, np.inf), 0
    for _ in range(attempts):
        drawn = needs.repaired(_trainable(units, _draw(units, aims, random)), random)
        found = (needs.unmet(drawn), units.distance(drawn, aims))
        waited = 0 if found < least else waited + 1
        if found < least:
            best, least = drawn, found
        if waited >= patience:
            break
    return best


def _draw(units: Units, aims: NDArray[np.float64], random: np.random.Generator) -> Integers:
    """Return a split for each unit, drawn class by class.

    Every class has a unit to train on, and one to test on where it has two or more.
    """
    drawn = units.fixed.copy()
    carried = np.zeros(3)  # what rounding leaves over, so that many small classes add up
    for number in random.permutation(len(units.owned)):
        own = units.owned[number]
        free = random.permutation(own[units.fixed[own] == FREE])
        if not len(free):
            continue
        drawn[free] = TRAIN
        half = units.sizes[free].max() / 2  # more would cost this class its own shares
        for split in (TEST, VALIDATION):
            if aims[split] > 0:
                owed = float(np.clip(carried[split], -half, half))
                wanted = aims[split] * units.sizes[own].sum() + owed
                carried[split] = _take(units, drawn, own, split=split, wanted=wanted, order=free)
    return drawn


def _take(
    units: Units, drawn: Integers, own: Integers, *, split: int, wanted: float, order: Integers
) -> float:
    """Move units of a class from training to a split, in an order, until it has what is wanted.

    Units that are fixed to the split count. Return what rounding leaves over, in images.
    """
    there = units.sizes[own[units.fixed[own] == split]].sum()
    left = order[drawn[order] == TRAIN]
    spare = len(left) - int(not (units.fixed[own] == TRAIN).any())  # one stays to be trained on
    reached = there + np.concatenate([[0], np.cumsum(units.sizes[left[: max(spare, 0)]])])
    taken = int(np.argmin(np.abs(reached - wanted)))
    if split == TEST and reached[taken] == 0 and spare > 0:
        drawn[left[:1]] = split
        return 0.0
    drawn[left[:taken]] = split
    return float(wanted - reached[taken])


def _trainable(units: Units, drawn: Integers) -> Integers:
    """Move units to training until every class (of every batch) that can be trained is."""
    for members in units.cells:
        if not (drawn[members] == TRAIN).any():
            free = members[units.fixed[members] == FREE]
            drawn[free[:1]] = TRAIN
    return drawn
