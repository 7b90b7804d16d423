"""A task: the records of a data set, split and cut into experiences, refused where that fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlff_cli.tasks.experience import Experience, SplitName
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.refusals import (
    refuse_known,
    refuse_nothing_scored,
    refuse_short_atoms,
    refuse_untrained_labels,
    warn_of_untested,
)
from mlff_cli.tasks.schedule import Cut, Heads, Line, atoms_of, cut
from mlff_cli.tasks.sequence import refuse_unlearnable, sequence
from mlff_cli.tasks.splits import split_records


@dataclass(frozen=True)
class Task:
    """A data set, split and cut into experiences.

    Attributes:
        records: All records, in the data set's order; none of a run that the task goes on from.
        splits: "train", "validation" or "test" by record name; "" where no experience has it (an
            image without a label, along classes).
        experiences: Those that are learned, in order, then those that are only scored.
        skipped: Name and fault of each image that cannot be read.
    """

    records: Sequence[Record]
    splits: Mapping[str, str]
    experiences: Sequence[Experience]
    skipped: Sequence[tuple[str, str]] = ()


def make_task(
    records: Sequence[Record],
    *,
    line: Line,
    heads: Heads,
    test: float,
    validation: float,
    scored: SplitName,
    seed: int,
    order: Sequence[str] = (),
    unseen: Sequence[str] | None = None,
    classes_per_experience: int = 1,
    target_names: Sequence[str] = (),
    only_scored: bool = False,
    skipped: Sequence[tuple[str, str]] = (),
    before: Sequence[Experience] = (),
) -> Task:
    """Cut the records, split them and build the experiences.

    The splits do not depend on `scored`: a choice made on validation images is tested on others.
    An experience that is only scored takes all its records, whichever split is scored. Groups that
    run into it are scored wherever they appear and trained on nowhere.

    Args:
        records: At least one; names are unique.
        line: What makes an experience: a product, a batch, or classes.
        heads: A head per experience, one shared, or one that grows with the classes.
        test: Share of all images that is scored and never trained on.
        validation: Share kept aside for choosing.
        scored: The split that results are of.
        seed: Draws the splits.
        order: Names of all products, batches or classes, in another order than the records'.
        unseen: Those that are only scored; empty: the last one; None: none.
        classes_per_experience: Classes that arrive together along classes.
        target_names: Outputs of a regressor; empty where labels make the outputs.
        only_scored: Nothing is learned: all records are only scored.
        skipped: Name and fault of each image that cannot be read.
        before: The experiences of a run that this task goes on from. Those that it learned come
            first, those that it only scored last; `records` are those of the others.

    Raises:
        UserError: Names that do not exist, shares that leave nothing, or what is learned cannot be
            trained or cannot be scored.
    """
    cuts = cut(
        records,
        line=line,
        order=order,
        unseen=unseen,
        classes_per_experience=classes_per_experience,
        only_scored=only_scored,
    )
    drawn = _without_unseen(records, cuts, line)
    own = split_records(drawn, line=line, test=test, validation=validation, seed=seed)
    splits: dict[str, str] = dict.fromkeys((record.name for record in records), scored)
    splits |= {record.name: own.get(record.name, "") for record in drawn}
    if not only_scored:
        share = {"train": 1 - test - validation, "test": test, "validation": validation}
        refuse_nothing_scored(drawn, splits, scored, share[scored])
        refuse_short_atoms(cuts, records, splits, line, scored)
        refuse_untrained_labels(drawn, splits)
        if test > 0:
            warn_of_untested(drawn, splits)
    earlier = [experience for experience in before if experience.learned]
    new = sequence(
        cuts,
        records,
        splits,
        line=line,
        heads=heads,
        target_names=target_names,
        before=earlier,
    )
    refuse_known(new, before)
    refuse_unlearnable([*earlier, *new], scored)
    first = len(earlier) + len(new) + 1
    others = (experience for experience in before if not experience.learned)
    last = [replace(e, index=number) for number, e in enumerate(others, start=first)]
    return Task(records, splits, [*earlier, *new, *last], skipped)


def _without_unseen(records: Sequence[Record], cuts: Sequence[Cut], line: Line) -> list[Record]:
    """Return the records whose group has none in an experience that is only scored."""
    unseen = {atom for cut in cuts if not cut.learned for atom in cut.atoms}
    held = {record.unit for record in records if unseen.intersection(atoms_of(record, line))}
    return [record for record in records if record.unit not in held]
