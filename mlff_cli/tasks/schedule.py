"""How a sequence is cut: which products, batches or classes come in turn, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlff_cli.errors import UserError, nearest
from mlff_cli.tasks.record import Record, one_form

Line = Literal["product", "batch", "class"]
Heads = Literal["separate", "shared", "growing"]


@dataclass(frozen=True)
class Cut:
    """One experience before it has records.

    Attributes:
        atoms: The products, batches or classes that make it; only classes arrive several at once.
        learned: False where it is only ever scored.
    """

    atoms: tuple[str, ...]
    learned: bool

    @property
    def name(self) -> str:
        """How tables and messages call the experience."""
        return "+".join(self.atoms) or "all"


def atoms_of(record: Record, line: Line) -> tuple[str, ...]:
    """Return the product, the batch or the classes that a record belongs to.

    These are the atoms of a sequence: what is never cut further, and drawn to splits by itself.
    Along classes a record has as many as it has labels, and none without a label.
    """
    if line == "class":
        return record.labels
    return (record.product if line == "product" else record.batch,)


def cut(
    records: Sequence[Record],
    *,
    line: Line,
    order: Sequence[str] = (),
    unseen: Sequence[str] | None = None,
    classes_per_experience: int = 1,
    only_scored: bool = False,
) -> list[Cut]:
    """Return the experiences in the order they are learned, then those that are only scored.

    Args:
        records: All records; products, batches and classes come in the order of first appearance.
        line: What makes an experience.
        order: Names (of classes when `line` is "class") in another order.
        unseen: Experiences that are only scored; empty: the last one.
        classes_per_experience: Classes that arrive together when `line` is "class".
        only_scored: Nothing is learned.

    Raises:
        UserError: Names that do not exist, or nothing to learn.
    """
    atoms = list(dict.fromkeys(atom for record in records for atom in atoms_of(record, line)))
    if not atoms:
        raise UserError("schedule.line=class: the images have no labels; choose product or batch")
    atoms = _ordered(atoms, list(map(one_form, order)))
    names = None if unseen is None else list(map(one_form, unseen))
    hidden = set(atoms) if only_scored else _unseen(atoms, names)
    size = classes_per_experience if line == "class" else 1
    cuts = [
        Cut(group, learned=not hidden & set(group))
        for start in range(0, len(atoms), size)
        if (group := tuple(atoms[start : start + size]))
    ]
    if not only_scored and not any(cut.learned for cut in cuts):
        raise UserError("schedule.unseen: nothing is left to train on; name fewer experiences")
    return sorted(cuts, key=lambda cut: not cut.learned)


def _ordered(atoms: list[str], order: Sequence[str]) -> list[str]:
    for name in order:
        if name not in atoms:
            raise UserError(f"order: there is no '{name}'; {nearest(name, atoms)}")
    if len(set(order)) != len(order):
        raise UserError(f"order: a name stands twice in {list(order)}")
    missing = [atom for atom in atoms if atom not in order]
    if order and missing:
        raise UserError(f"order: names all experiences or none; missing: {', '.join(missing)}")
    return list(order) or atoms


def _unseen(atoms: list[str], unseen: Sequence[str] | None) -> set[str]:
    if unseen is None:
        return set()
    for name in unseen:
        if name not in atoms:
            raise UserError(f"schedule.unseen: there is no '{name}'; {nearest(name, atoms)}")
    return set(unseen) or {atoms[-1]}
