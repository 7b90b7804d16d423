"""From cuts and splits to experiences: the records of each, the head that reads them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mlff_cli.errors import UserError
from mlff_cli.tasks.experience import SPLITS, Experience, SplitName
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.schedule import Cut, Heads, Line, atoms_of

SHARED = "shared"
"""Name of the one head of a schedule that has no separate ones."""


def sequence(
    cuts: Sequence[Cut],
    records: Sequence[Record],
    splits: Mapping[str, str],
    *,
    line: Line,
    heads: Heads,
    target_names: Sequence[str] = (),
    before: Sequence[Experience] = (),
) -> list[Experience]:
    """Return the experiences of a sequence that is cut, in its order.

    Args:
        cuts: What makes each experience.
        records: All records; the outputs of a head are in the order in which labels appear here.
        splits: "train", "validation" or "test" by record name; any other is in no experience.
        line: What the cuts are made along.
        heads: A head per experience, one shared, or one that grows with the classes.
        target_names: Outputs of a regressor; empty where labels make the outputs.
        before: Those learned earlier, in whose heads' outputs nothing changes its place.
    """
    known = before[-1].outputs if before and heads != "separate" else ()
    everything = [*known, *labels_of(records)]
    experiences: list[Experience] = []
    members_of = zip(cuts, _members(cuts, records, line), strict=True)
    for index, (cut, members) in enumerate(members_of, start=len(before)):
        if heads == "growing" and experiences:
            known = experiences[-1].outputs
        labels = everything if heads == "shared" else [*known, *labels_of(members)]
        parts = _by_split(members, splits)
        experiences.append(
            Experience(
                index + 1,
                cut.name,
                head=cut.name if heads == "separate" else SHARED,
                outputs=tuple(target_names) or tuple(dict.fromkeys(labels)),
                train=parts["train"],
                validation=parts["validation"],
                test=parts["test"],
                learned=cut.learned,
                regression=bool(target_names),
            )
        )
    return experiences


def refuse_unlearnable(experiences: Sequence[Experience], scored: SplitName) -> None:
    """Refuse heads that would have no class or only ever one, or be scored on one never trained.

    A head that grows may begin with one class.

    Raises:
        UserError: It names the experience and the class.
    """
    trained: dict[str, set[str]] = defaultdict(set)
    answers: dict[str, set[str]] = defaultdict(set)
    for experience in experiences:
        trained[experience.head].update(labels_of(experience.train))
        answers[experience.head].update(experience.outputs if experience.learned else ())
    for experience in experiences:
        if not experience.learned or experience.regression:
            continue
        if not experience.outputs:
            raise UserError(_unlabelled(experience))
        untrained = set(labels_of(experience.split(scored))) - trained[experience.head]
        if untrained:
            raise UserError(
                f"experience '{experience.name}': class '{min(untrained)}' is in the {scored} "
                "split and never in training; add images of it, or fix some of them to train"
            )
        if len(answers[experience.head]) < 2 and _all_labelled(experience):
            raise UserError(
                f"experience '{experience.name}' has one class ('{experience.outputs[0]}'); a "
                "classifier needs two or more: add images of another class (in folders: "
                "data.root/<product>/<class>/<image>)"
            )


def _unlabelled(experience: Experience) -> str:
    """Return what is said of an experience whose head would have no output."""
    records = [record for split in SPLITS for record in experience.split(split)]
    remedy = "label those that show something, or leave them out of what is learned"
    if any(record.targets for record in records):
        remedy = "head=classifier and head=multi_label learn labels, head=regressor their numbers"
    return (
        f"experience '{experience.name}': none of its {len(records)} images has a label; {remedy}"
    )


def _all_labelled(experience: Experience) -> bool:
    return all(record.labels for split in SPLITS for record in experience.split(split))


def labels_of(records: Iterable[Record]) -> list[str]:
    """Return the labels of records in the order of first appearance."""
    return list(dict.fromkeys(label for record in records for label in record.labels))


def _members(
    cuts: Sequence[Cut], records: Sequence[Record], line: Line
) -> Iterable[tuple[Record, ...]]:
    """Return the records of each cut, in their order, each once."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        for atom in atoms_of(record, line):
            places[atom].append(place)
    for cut in cuts:
        own = sorted({place for atom in cut.atoms for place in places[atom]})
        yield tuple(records[place] for place in own)


def _by_split(
    members: Sequence[Record], splits: Mapping[str, str]
) -> Mapping[str, tuple[Record, ...]]:
    parts: dict[str, list[Record]] = {name: [] for name in SPLITS}
    for record in members:
        if part := splits[record.name]:
            parts[part].append(record)
    return {name: tuple(part) for name, part in parts.items()}
