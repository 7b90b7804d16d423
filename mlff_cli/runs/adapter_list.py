"""The trained parts of a run, head by head, from its files: needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlff_cli.results.cells import Row
from mlff_cli.results.labels import plain
from mlff_cli.results.table import Column, Table
from mlff_cli.runs.adapters_description import head_of, read_description
from mlff_cli.runs.folder import RunFolder

SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Adapter:
    """What answers for one product, or for several that share it.

    Attributes:
        head: Its name.
        outputs: What it answers with.
        experiences: Those that it has learned.
        digest: Of all tensors that an answer depends on; "" in runs of older versions.
        threshold: Of the experience learned last; None without one.
    """

    head: str
    outputs: Sequence[str]
    experiences: Sequence[str]
    digest: str
    threshold: float | None


def adapters_of(folder: RunFolder) -> list[Adapter]:
    """Return what answers in a run, in the order in which it was made.

    Raises:
        UserError: A file is missing or damaged.
    """
    description, record = read_description(folder.adapters), folder.record()
    parts: Mapping[str, str] = description.get("parts", {})
    heads = {head["name"]: head["outputs"] for head in description["heads"]}
    points = {point.experience: point.threshold for point in record.points}
    found = []
    for name, outputs in heads.items():
        own = [e for e in record.facts.experiences if head_of(e, heads) == name]
        last = points.get(plain(own[-1])) if own else None
        found.append(Adapter(name, outputs, own, parts.get(name, ""), last))
    return found


def adapters_table(adapters: Sequence[Adapter]) -> Table:
    """Return a row for each."""
    columns = [
        Column("head"),
        Column("learned"),
        Column("outputs"),
        Column("threshold", "score"),
        Column("hash"),
    ]
    rows: list[Row] = [
        {
            "head": plain(adapter.head),
            "learned": ", ".join(map(plain, adapter.experiences)),
            "outputs": ", ".join(map(plain, adapter.outputs)),
            "threshold": adapter.threshold,
            "hash": adapter.digest[:SHOWN_DIGITS],
        }
        for adapter in adapters
    ]
    return Table("", columns, rows)


def differences(before: Sequence[Adapter], after: Sequence[Adapter]) -> list[str]:
    """Return in words what of two runs is the same, and what is not."""
    old, new = ({adapter.head: adapter.digest for adapter in part} for part in (before, after))
    both = [name for name in old if name in new]
    found = {
        "the same to the bit": [n for n in both if old[n] and old[n] == new[n]],
        "changed": [n for n in both if not old[n] or old[n] != new[n]],
        "only before": [name for name in old if name not in new],
        "only after": [name for name in new if name not in old],
    }
    return [f"{what}: {', '.join(map(plain, names))}" for what, names in found.items() if names]
