"""Which products, batches or classes can be drawn apart, and which share what stays whole."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlff_cli.tasks.record import Record
from mlff_cli.tasks.schedule import Line, atoms_of


@dataclass(frozen=True)
class Component:
    """Atoms that are drawn together, and their records; nearly always a single atom.

    Both are sorted by name, so that the order of a data set moves nobody.
    """

    atoms: tuple[str, ...]
    records: tuple[Record, ...]


def components(records: Sequence[Record], line: Line) -> list[Component]:
    """Return the connected components of atoms through the units that they share.

    A group that runs through several batches (one tile under several exposures), or an image of
    several classes, joins them: none can be drawn without the others. Records of no atom, those
    without a label along classes, are left out.
    """
    leader = _leaders(records, line)
    members: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.name):
        for atom in atoms_of(record, line)[:1]:
            members[leader[atom]].append(record)
    joined: dict[str, list[str]] = defaultdict(list)
    for atom in sorted(leader):
        joined[leader[atom]].append(atom)
    return [Component(tuple(joined[name]), tuple(members[name])) for name in sorted(members)]


def _leaders(records: Sequence[Record], line: Line) -> dict[str, str]:
    """Return for each atom one of its component, the same for all of the component."""
    of_unit: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in records:
        of_unit[record.unit].update(atoms_of(record, line))
    above: dict[str, str] = {}
    for atoms in of_unit.values():
        _join(above, atoms)
    return {atom: _top(above, atom) for atom in above}


def _join(above: dict[str, str], atoms: Iterable[str]) -> None:
    tops = {_top(above, above.setdefault(atom, atom)) for atom in atoms}
    for top in tops:
        above[top] = min(tops)


def _top(above: dict[str, str], atom: str) -> str:
    while above[atom] != atom:
        above[atom] = atom = above[above[atom]]
    return atom
