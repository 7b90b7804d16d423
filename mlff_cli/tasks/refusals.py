"""What cannot be trained and scored, said before anything trains: what, how many, what helps."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from mlff_cli.errors import SHOWN, UserError
from mlff_cli.tasks.experience import Experience, SplitName
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.schedule import Cut, Line, atoms_of
from mlff_cli.tasks.units import classes_of

log = logging.getLogger(__name__)

REMEDY = (
    "add images, make the groups smaller (the column `group`, data.group_size), fix some images to "
    "{scored} and some to train by the column `split`, leave it out of the data, or only score it "
    "(schedule=unseen_product schedule.line={line} schedule.unseen=[...])"
)


def refuse_known(new: Sequence[Experience], before: Sequence[Experience]) -> None:
    """Refuse what is called like something that was learned, or only scored, before.

    Raises:
        UserError: It names it.
    """
    known = {experience.name for experience in before}
    for experience in new:
        if experience.name in known:
            raise UserError(
                f"'{experience.name}' is an experience of the run that from= names; give the new "
                "one another name (its folder, or its column product, batch or label), or leave "
                "it out"
            )


def refuse_nothing_scored(
    drawn: Sequence[Record], splits: Mapping[str, str], scored: SplitName, share: float
) -> None:
    """Refuse to score a split that is switched off, unless images are fixed to it.

    Raises:
        UserError: It names both keys.
    """
    if share == 0 and not any(splits[record.name] == scored for record in drawn):
        other = "splits.scored=test" if scored == "validation" else "splits.scored=validation"
        raise UserError(
            f"splits.scored={scored} with splits.{scored}={share:g}: no image would be scored; "
            f"give splits.{scored} a share, or score the other split ({other})"
        )


def refuse_short_atoms(
    cuts: Sequence[Cut],
    records: Sequence[Record],
    splits: Mapping[str, str],
    line: Line,
    scored: SplitName,
) -> None:
    """Refuse products, batches or classes to learn that cannot be trained or cannot be scored.

    Raises:
        UserError: It names up to `SHOWN` of them with their counts, and says what helps.
    """
    members: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        for atom in atoms_of(record, line):
            members[atom].append(record)
    learned = [atom for cut in cuts if cut.learned for atom in cut.atoms]
    found = [
        f"{_what(atom, line)} cannot be {_DONE[missing]}: {_why(members[atom], missing)}"
        for atom in learned
        if (missing := _missing(members[atom], splits, scored))
    ]
    if found:
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise UserError(
            "; ".join(found[:SHOWN]) + f"{more}; {REMEDY.format(scored=scored, line=line)}"
        )


def refuse_untrained_labels(drawn: Sequence[Record], splits: Mapping[str, str]) -> None:
    """Refuse labels whose images are all fixed to be scored.

    Raises:
        UserError: It names the label and the first of its images.
    """
    trained = {label for r in drawn if splits[r.name] == "train" for label in r.labels}
    for record in drawn:
        missing = [label for label in record.labels if label not in trained]
        if missing:
            raise UserError(
                f"the label '{missing[0]}' is never trained: its images are all fixed to "
                f"validation or test (the first is {record.name}); fix some to train, or leave "
                "`split` empty (splits by folders: data.folder_splits=ignore)"
            )


def warn_of_untested(drawn: Sequence[Record], splits: Mapping[str, str]) -> None:
    """Log which classes are trained and not tested, since they have too few images or groups."""
    tested = {c for r in drawn if splits[r.name] == "test" for c in classes_of(r)}
    counts = Counter(c for r in drawn for c in classes_of(r))
    alone = [
        f"{' '.join(filter(None, c))} ({n} images)" for c, n in counts.items() if c not in tested
    ]
    if alone:
        more = ", ..." if len(alone) > SHOWN else ""
        shown = ", ".join(alone[:SHOWN]) + more
        log.warning("%d classes have too few images or groups to be tested: %s", len(alone), shown)


_DONE = {"train": "trained", "test": "tested", "validation": "scored on validation"}


def _missing(
    members: Sequence[Record], splits: Mapping[str, str], scored: SplitName
) -> SplitName | None:
    there = {splits[record.name] for record in members}
    wanted: tuple[SplitName, ...] = ("train", scored)
    return next((split for split in wanted if split not in there), None)


def _what(atom: str, line: Line) -> str:
    return f"{line} '{atom}'" if atom else "the data set"


def _why(members: Sequence[Record], missing: SplitName) -> str:
    return next(_reasons(members, missing))


def _reasons(members: Sequence[Record], missing: SplitName) -> Iterator[str]:
    """Yield why a split got none of these images, the plainest reason first."""
    units = {record.unit for record in members}
    fixed = sorted({record.split for record in members})
    if "" not in fixed:
        yield f"{_images(members)} fixed to {' or '.join(fixed)}"
    if missing == "train":
        yield f"{_counted(members)}, all fixed to another split or only scored elsewhere"
    if len(members) == 1:
        yield f"it has one image, {members[0].name}"
    if len(units) == 1:
        yield f"{_images(members)} of the one group '{members[0].group}'"
    if missing == "validation" and len(units) == 2:
        yield f"{_counted(members)}, one to train on and one to test"
    units_of: dict[tuple[str, ...], set[tuple[str, str]]] = defaultdict(set)
    for record in members:
        for name in classes_of(record):
            units_of[name].add(record.unit)
    if all(len(own) == 1 for own in units_of.values()):
        yield f"{_counted(members)}, one for each class, and each class is trained on"
    yield f"{_counted(members)}, which are needed elsewhere or fixed elsewhere"


def _images(members: Sequence[Record]) -> str:
    return "its one image is" if len(members) == 1 else f"its {len(members)} images are all"


def _counted(members: Sequence[Record]) -> str:
    groups = len({record.unit for record in members})
    if not any(record.group for record in members):
        return f"it has {len(members)} images"
    return f"its {len(members)} images are of {groups} group{'s' if groups > 1 else ''}"
