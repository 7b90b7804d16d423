"""What is drawn as a whole, and the classes whose shares are aimed at: arrays to draw with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import add

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import UserError
from mlff_cli.tasks.components import Component
from mlff_cli.tasks.experience import SPLITS
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.schedule import Line, atoms_of

TRAIN, VALIDATION, TEST = range(3)
FREE = -1
NUMBER: Mapping[str, int] = {name: number for number, name in enumerate(SPLITS)}

Integers = NDArray[np.int64]
Names = tuple[str, ...]


@dataclass(frozen=True)
class Units:
    """Groups, and images that belong to none, of one component; splits are places in `SPLITS`.

    Attributes:
        of_record: (records,) The unit of each record of the component.
        sizes: (units,) Records in each.
        fixed: (units,) The split that a record of the unit is fixed to, or `FREE`.
        classes: Per class (product and label), the units that have records of it.
        owned: Per class, from the rarest, its units that no rarer class has.
        cells: Per class, along batches per class of each batch, its units.
        atoms: Per atom, its units.
        unit_of: (pairs,) The unit of each pair of a record and a stratum that it is in: its
            classes (several, where it has several labels) and its atoms.
        stratum_of: (pairs,) The stratum of each pair, numbered.
    """

    of_record: Integers
    sizes: Integers
    fixed: Integers
    classes: Sequence[Integers]
    owned: Sequence[Integers]
    cells: Sequence[Integers]
    atoms: Sequence[Integers]
    unit_of: Integers
    stratum_of: Integers

    @classmethod
    def of(cls, component: Component, line: Line) -> "Units":
        """Return the units of a component, numbered.

        Raises:
            UserError: A group is fixed to two splits.
        """
        records = component.records
        numbers: dict[Names, int] = {}
        units = [numbers.setdefault(record.unit, len(numbers)) for record in records]
        classes = [classes_of(record) for record in records]
        atoms: list[list[Names]] = [
            [(atom,) for atom in atoms_of(record, line)] for record in records
        ]
        members = _units_by(units, classes)
        unit_of, stratum_of = _pairs(units, list(map(add, classes, atoms)))
        return cls(
            of_record=np.array(units, dtype=np.int64),
            sizes=np.bincount(units),
            fixed=_fixed(units, records),
            classes=members,
            owned=_owned(members),
            cells=_units_by(units, [_cells(record, line) for record in records]),
            atoms=_units_by(units, atoms),
            unit_of=unit_of,
            stratum_of=stratum_of,
        )

    @property
    def alike(self) -> bool:
        """Whether every unit is one image of one class: then all draws have the same shares."""
        return len(self.unit_of) == 2 * len(self.sizes)  # a class and an atom each

    def distance(self, drawn: Integers, aims: NDArray[np.float64]) -> float:
        """Return how far the shares of the strata are from the aims (3,), each weighing alike."""
        strata = int(self.stratum_of.max()) + 1
        counts = np.bincount(3 * self.stratum_of + drawn[self.unit_of], minlength=3 * strata)
        counts = counts.reshape(strata, 3)
        return float(np.abs(counts / counts.sum(axis=1, keepdims=True) - aims).sum())


def classes_of(record: Record) -> list[Names]:
    """Return product and label for each label, "" without labels, as with regression targets."""
    return [(record.product, label) for label in record.labels or ("",)]


def _cells(record: Record, line: Line) -> list[Names]:
    batch = record.batch if line == "batch" else ""
    return [(*name, batch) for name in classes_of(record)]


def _units_by(units: Sequence[int], names: Sequence[Sequence[Names]]) -> list[Integers]:
    """Return the units of each name, names and units sorted, from those of each record."""
    found: dict[Names, set[int]] = defaultdict(set)
    for unit, own in zip(units, names, strict=True):
        for name in own:
            found[name].add(unit)
    return [np.array(sorted(found[name]), dtype=np.int64) for name in sorted(found)]


def _pairs(units: Sequence[int], names: Sequence[Sequence[Names]]) -> tuple[Integers, Integers]:
    """Return the unit and the number of the name of each record and name of its."""
    numbers: dict[Names, int] = {}
    pairs = [
        (unit, numbers.setdefault(name, len(numbers)))
        for unit, own in zip(units, names, strict=True)
        for name in own
    ]
    unit_of, name_of = np.array(pairs, dtype=np.int64).T
    return unit_of, name_of


def _owned(members: Sequence[Integers]) -> list[Integers]:
    owned = []
    seen: Integers = np.array([], dtype=np.int64)
    for units in sorted(members, key=len):
        owned.append(np.setdiff1d(units, seen))
        seen = np.union1d(seen, units)
    return owned


def _fixed(units: Sequence[int], records: Sequence[Record]) -> Integers:
    fixed = np.full(max(units) + 1, FREE)
    first: dict[int, Record] = {}
    for unit, record in zip(units, records, strict=True):
        if not record.split:
            continue
        other = first.setdefault(unit, record)
        if other.split != record.split:
            raise UserError(
                f"the group '{record.group}' is fixed to two splits: {other.name} to "
                f"{other.split}, {record.name} to {record.split}; a group must be in one"
            )
        fixed[unit] = NUMBER[record.split]
    return fixed
