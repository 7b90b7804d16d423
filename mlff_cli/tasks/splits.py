"""Which record is trained on, validated on and tested on: by group, seeded, stratified."""

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import SHOWN, UserError
from mlff_cli.tasks.record import Record

SplitName = Literal["train", "validation", "test"]

SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
FREE = -1
_NUMBER: dict[str, int] = {name: number for number, name in enumerate(SPLITS)}

log = logging.getLogger(__name__)

Class = tuple[str, str]
"""Product and label; the label is "" without labels, as with regression targets."""

GROUPS_OF_A_BATCH = 4
"""With fewer of a class in some batch, its batches are drawn from together."""


def split_records(
    records: Sequence[Record], *, test: float, validation: float, seed: int, per_batch: bool = False
) -> dict[str, SplitName]:
    """Return the split of each record by its name; `test` and `validation` are shares of all.

    Groups stay whole. `Record.split` is respected, and the rest of its group follows it. Of each
    class (product and label) the aimed share is drawn as nearly as its groups allow: of many
    draws the one nearest to the aim is taken. A class of a single group is trained on and not
    tested. With `per_batch` that holds in each batch, where each has `GROUPS_OF_A_BATCH` groups of
    the class. The result depends on the seed and on the records, not on their order.

    Raises:
        UserError: Shares that leave nothing to train on; a group fixed to two splits; a product
            that cannot be tested, or a label that cannot be trained.
    """
    if not (test >= 0 and validation >= 0 and test + validation < 1):
        raise UserError(
            f"splits.test={test}, splits.validation={validation}: give shares from 0 that leave "
            "some of the records to train on (sum below 1)"
        )
    if not records:
        raise UserError("the dataset has no image, so there is nothing to split")
    units = _Units.of(sorted(records, key=lambda record: record.name), per_batch=per_batch)
    random = np.random.default_rng(seed)
    aims = np.array([1 - validation - test, validation, test])
    # Where every unit is one image of one class, all draws have the same shares.
    alike = len(units.sizes) == len(units.record_of)
    effort = len(units.record_of) + 100 * len(units.members)
    attempts = 1 if alike else int(np.clip(2_000_000 // effort, 5, 500))
    draws = (units.trainable(units.draw(aims, random)) for _ in range(attempts))
    best = min(draws, key=lambda draw: units.distance(draw, aims))
    splits = {
        record.name: SPLITS[split]
        for record, split in zip(units.records, best[units.unit_of], strict=True)
    }
    _check(units.records, splits, test)
    return splits


@dataclass
class _Units:
    """What is drawn as a whole: groups, and images that belong to none.

    A record of several labels is of several classes; `record_of` and `class_of` are the pairs.
    Where it is drawn from batch by batch, a class of one batch is another than that of the next.
    """

    records: list[Record]
    unit_of: NDArray[np.int64]  # (records,)
    sizes: NDArray[np.int64]  # (units,) in records
    fixed: NDArray[np.int64]  # (units,) index in SPLITS, or FREE
    record_of: NDArray[np.int64]  # (pairs,)
    class_of: NDArray[np.int64]  # (pairs,)
    members: list[NDArray[np.int64]]  # per class, the units that have images of it
    homes: list[NDArray[np.int64]]  # per class, from the rarest, those not in a rarer one

    @classmethod
    def of(cls, records: list[Record], *, per_batch: bool) -> "_Units":
        numbers: dict[tuple[str, str], int] = {}
        unit_of = np.array(
            [
                numbers.setdefault(
                    ("group", r.group) if r.group else ("image", r.name), len(numbers)
                )
                for r in records
            ],
            dtype=np.int64,
        )
        apart = _apart(records, unit_of) if per_batch else set()
        pairs = [
            (i, (*c, record.batch if c in apart else ""))
            for i, record in enumerate(records)
            for c in _classes(record)
        ]
        known = {name: number for number, name in enumerate(sorted({name for _, name in pairs}))}
        record_of = np.array([i for i, _ in pairs], dtype=np.int64)
        class_of = np.array([known[name] for _, name in pairs], dtype=np.int64)
        both = np.unique(np.stack([class_of, unit_of[record_of]]), axis=1)
        members = np.split(both[1], np.flatnonzero(np.diff(both[0])) + 1)
        homes = []
        homeless = np.ones(len(numbers), dtype=bool)
        for units in sorted(members, key=len):
            homes.append(units[homeless[units]])
            homeless[units] = False
        fixed = _fixed(records, unit_of, len(numbers))
        sizes = np.bincount(unit_of)
        return cls(records, unit_of, sizes, fixed, record_of, class_of, members, homes)

    def draw(self, aims: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.int64]:
        """Return a split for each unit, drawn class by class.

        Every class has a unit to train on, and one to test on where it has two or more.
        """
        drawn = self.fixed.copy()
        carried = np.zeros(3)  # what rounding leaves over, so that many small classes add up
        for number in random.permutation(len(self.homes)):
            units = self.homes[number]
            free = random.permutation(units[self.fixed[units] == FREE])
            if not len(free):
                continue
            drawn[free] = TRAIN
            has = [int(self.sizes[units[self.fixed[units] == s]].sum()) for s in range(3)]
            total = self.sizes[units].sum()
            for split in (TEST, VALIDATION):
                if aims[split] == 0:
                    continue
                left = free[drawn[free] == TRAIN]
                spare = len(left) - (has[TRAIN] == 0)  # one stays to be trained on
                half = self.sizes[free].max() / 2  # more would cost this class its own shares
                aim = aims[split] * total - has[split] + np.clip(carried[split], -half, half)
                reached = np.concatenate([[0], np.cumsum(self.sizes[left[:spare]])])
                taken = int(np.argmin(np.abs(reached - aim)))
                must = split == TEST and has[split] == 0 and taken == 0 and spare > 0
                taken = max(taken, int(must))
                drawn[left[:taken]] = split
                carried[split] = 0 if must else aim - reached[taken]
        return drawn

    def trainable(self, drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        """Move units to training until every class that can be trained is."""
        for units in self.members:
            if not (drawn[units] == TRAIN).any():
                free = units[self.fixed[units] == FREE]
                drawn[free[:1]] = TRAIN
        return drawn

    def distance(self, drawn: NDArray[np.int64], aims: NDArray[np.float64]) -> float:
        """Return how far the shares of the classes are from the aim, each class weighing alike."""
        split_of = drawn[self.unit_of][self.record_of]
        counts = np.bincount(3 * self.class_of + split_of, minlength=3 * len(self.members))
        counts = counts.reshape(-1, 3)
        return float(np.abs(counts / counts.sum(axis=1, keepdims=True) - aims).sum())


def _classes(record: Record) -> list[Class]:
    return [(record.product, label) for label in record.labels or ("",)]


def _apart(records: Sequence[Record], unit_of: NDArray[np.int64]) -> set[Class]:
    """Return the classes of which each batch has groups enough for every split."""
    units: dict[Class, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for record, unit in zip(records, unit_of.tolist(), strict=True):
        for name in _classes(record):
            units[name][record.batch].add(unit)
    return {
        name
        for name, batches in units.items()
        if min(map(len, batches.values())) >= GROUPS_OF_A_BATCH
    }


def _fixed(records: Sequence[Record], unit_of: NDArray[np.int64], units: int) -> NDArray[np.int64]:
    fixed = np.full(units, FREE)
    first: dict[int, Record] = {}
    for record, unit in zip(records, unit_of.tolist(), strict=True):
        if not record.split:
            continue
        other = first.setdefault(unit, record)
        if other.split != record.split:
            raise UserError(
                f"the group '{record.group}' is fixed to two splits: {other.name} to "
                f"{other.split}, {record.name} to {record.split}; a group must be in one"
            )
        fixed[unit] = _NUMBER[record.split]
    return fixed


def _check(records: Sequence[Record], splits: dict[str, SplitName], test: float) -> None:
    trained = {c[1] for r in records if splits[r.name] == "train" for c in _classes(r)}
    if not trained:
        raise UserError("no image is left to train on: every one is fixed to validation or test")
    for record in records:
        missing = [label for label in record.labels if label not in trained]
        if missing:
            raise UserError(
                f"the label '{missing[0]}' is never trained: its images are all fixed to "
                f"validation or test (the first is {record.name}); fix some to train, or leave "
                "`split` empty"
            )
    if test == 0:
        return
    products: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        products[record.product].append(record)
    for product, members in products.items():
        if all(record.split for record in members):
            continue
        if not any(splits[record.name] == "test" for record in members):
            raise UserError(_untested(product, members))
    tested = {c for r in records if splits[r.name] == "test" for c in _classes(r)}
    counts = Counter(c for r in records for c in _classes(r))
    alone = [
        f"{' '.join(filter(None, c))} ({n} images)" for c, n in counts.items() if c not in tested
    ]
    if alone:
        more = ", ..." if len(alone) > SHOWN else ""
        shown = ", ".join(alone[:SHOWN]) + more
        log.warning("%d classes have too few images or groups to be tested: %s", len(alone), shown)


def _untested(product: str, members: Sequence[Record]) -> str:
    what = f"product '{product}'" if product else "the dataset"
    groups = {record.group for record in members}
    if len(groups) == 1 and members[0].group:
        why = f"its {len(members)} images are all of the one group '{members[0].group}'"
    elif len(members) == 1:
        why = f"it has one image, {members[0].name}"
    else:
        why = "each of its classes has images of one group only, and they are trained on"
    return (
        f"{what} cannot be tested: {why}; add images, make the groups smaller (the column `group`, "
        "data.group_size), or fix some images to test and some to train by the column `split`"
    )
