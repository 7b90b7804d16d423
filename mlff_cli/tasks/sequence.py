"""Cuts the records of a dataset into experiences: along products, batches or classes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from mlff_cli.errors import UserError, nearest
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import Record

Line = Literal["product", "batch", "class"]
Heads = Literal["separate", "shared", "growing"]
SHARED = "shared"
"""Name of the one head of a schedule that has no separate ones."""


def sequence(
    records: Sequence[Record],
    splits: Mapping[str, str],
    *,
    line: Line,
    heads: Heads,
    order: Sequence[str] = (),
    unseen: Sequence[str] | None = None,
    classes_per_experience: int = 1,
    target_names: Sequence[str] = (),
    only_scored: bool = False,
) -> list[Experience]:
    """Return the experiences in the order they are learned, then those that are only scored.

    Args:
        records: All records; products, batches and classes come in the order of first appearance.
        splits: "train", "validation" or "test" by record name.
        line: What makes an experience.
        heads: A head per experience, one shared, or one that grows with the classes.
        order: Names (of classes when `line` is "class") in another order.
        unseen: Experiences that are only scored, all their records; empty: the last one.
        classes_per_experience: Classes that arrive together when `line` is "class".
        target_names: Outputs of a regressor; empty where labels make the outputs.
        only_scored: Nothing is learned: all records are only scored.

    Raises:
        UserError: Names that do not exist, or an experience that cannot be learned.
    """
    value_of = _values(line)
    values = list(dict.fromkeys(value for record in records for value in value_of(record)))
    if not values:
        raise UserError("schedule.line=class: the images have no labels; choose product or batch")
    values = _ordered(values, order)
    if line == "class":
        groups = [
            values[start : start + classes_per_experience]
            for start in range(0, len(values), classes_per_experience)
        ]
    else:
        groups = [[value] for value in values]
    hidden = set(values) if only_scored else _unseen(values, unseen)
    learned = [group for group in groups if not hidden & set(group)]
    scored_only = [group for group in groups if hidden & set(group)]
    if not learned and not only_scored:
        raise UserError("schedule.unseen: nothing is left to train on; name fewer experiences")
    experiences: list[Experience] = []
    for group in [*learned, *scored_only]:
        members = [record for record in records if set(value_of(record)) & set(group)]
        name = "+".join(group) or "all"
        before = experiences[-1].outputs if heads == "growing" and experiences else ()
        pool = {"separate": members, "shared": records, "growing": members}[heads]
        outputs = tuple(target_names) or tuple(dict.fromkeys([*before, *_labels(pool)]))
        experiences.append(
            _experience(
                len(experiences) + 1,
                name,
                head=name if heads == "separate" else SHARED,
                outputs=outputs,
                members=members,
                splits=splits,
                learned=group in learned,
                regression=bool(target_names),
            )
        )
    return experiences


def _values(line: Line) -> Callable[[Record], Sequence[str]]:
    if line == "class":
        return lambda record: record.labels
    return lambda record: (getattr(record, line),)


def _labels(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(label for record in records for label in record.labels))


def _ordered(values: list[str], order: Sequence[str]) -> list[str]:
    for name in order:
        if name not in values:
            raise UserError(f"order: there is no '{name}'; {nearest(name, values)}")
    if len(set(order)) != len(order):
        raise UserError(f"order: a name stands twice in {list(order)}")
    missing = [value for value in values if value not in order]
    if order and missing:
        raise UserError(f"order: names all experiences or none; missing: {', '.join(missing)}")
    return list(order) or values


def _unseen(values: list[str], unseen: Sequence[str] | None) -> set[str]:
    if unseen is None:
        return set()
    for name in unseen:
        if name not in values:
            raise UserError(f"schedule.unseen: there is no '{name}'; {nearest(name, values)}")
    return set(unseen) or {values[-1]}


def _experience(
    index: int,
    name: str,
    *,
    head: str,
    outputs: tuple[str, ...],
    members: Sequence[Record],
    splits: Mapping[str, str],
    learned: bool,
    regression: bool,
) -> Experience:
    if not learned:
        return Experience(
            index, name, head, outputs, (), (), tuple(members), learned=False, regression=regression
        )
    train, validation, test = (
        tuple(record for record in members if splits[record.name] == split)
        for split in ("train", "validation", "test")
    )
    if not train:
        raise UserError(f"experience '{name}' has no image to train on ({len(members)} in all)")
    trained = set(_labels(train))
    scored = set(_labels(test))
    if scored - trained:
        raise UserError(
            f"experience '{name}': class '{min(scored - trained)}' is in the test split and never "
            "in training; add images of it, or lower splits.test"
        )
    if not regression and len(outputs) < 2 and all(record.labels for record in members):
        raise UserError(
            f"experience '{name}' has one class ('{outputs[0]}'); a classifier needs two or more"
        )
    return Experience(index, name, head, outputs, train, validation, test, regression=regression)
