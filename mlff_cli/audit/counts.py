"""What the splits of a task hold, counted, and what a blind model would reach on them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from mlff_cli.metrics.floors import constant_errors, constant_map, majority, random_map
from mlff_cli.tasks.experience import SPLITS, Experience, SplitName
from mlff_cli.tasks.record import Record

Line = dict[str, str]


def counts(experiences: Sequence[Experience]) -> list[Line]:
    """Return a line for each experience and split that has images."""
    return [
        {
            "experience": experience.name if experience.learned else f"{experience.name} (unseen)",
            "split": split,
            "images": str(len(records)),
            "classes": str(len({label for record in records for label in record.labels})),
            "groups": str(len({record.unit for record in records})),
        }
        for experience in experiences
        for split in SPLITS
        if (records := experience.split(split))
    ]


def balance(experiences: Sequence[Experience]) -> list[Line]:
    """Return a line for each class of each experience: its images by split, its share of all."""
    lines = []
    for experience in experiences:
        of_split = {split: _labels(experience.split(split)) for split in SPLITS}
        whole: Counter[str] = sum(of_split.values(), Counter())
        total = sum(len(experience.split(split)) for split in SPLITS)
        for label in whole:
            line = {"experience": experience.name, "class": label}
            line |= {split: str(of_split[split][label]) for split in SPLITS}
            lines.append(line | {"share": f"{100 * whole[label] / total:.1f} %"})
    return lines


def floors(experiences: Sequence[Experience], scored: SplitName) -> list[Line]:
    """Return a line for each experience: what answers reach that never look at an image."""
    return [
        {"experience": experience.name, **_floor(experience, experience.split(scored))}
        for experience in experiences
        if experience.split(scored)
    ]


def _floor(experience: Experience, scored: Sequence[Record]) -> Line:
    # Nothing of an unseen product is in training: its own images show what it is made of.
    trained = experience.train or scored
    if not experience.regression:
        labels = [record.labels for record in scored]
        return {
            "majority class": _percent(majority([r.labels for r in trained], labels)),
            "mAP, constant score": _percent(constant_map(labels)),
            "mAP, random scores": _percent(random_map(labels)),
        }
    left, right = (np.array([record.targets for record in part]) for part in (trained, scored))
    errors = dict(zip(experience.outputs, constant_errors(left, right), strict=True))
    return {f"mae {name} of the median": f"{error:.3g}" for name, error in errors.items()}


def _labels(records: Sequence[Record]) -> Counter[str]:
    return Counter(label for record in records for label in record.labels)


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{100 * share:.1f} %"
