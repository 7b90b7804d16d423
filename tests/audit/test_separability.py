"""Which training images are looked at, and what they are told apart by."""

from collections import Counter

import numpy as np
import pytest

from mlff_cli.audit.separability import sample, targets_of
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import Record


def records(**counts):
    return [
        Record(f"{label}{place}", None, (label,))
        for label, count in counts.items()
        for place in range(count)
    ]


@pytest.mark.parametrize(
    ("counts", "limit", "expected"),
    [
        ({"good": 900, "pit": 100, "dent": 5}, 60, {"good": 27, "pit": 27, "dent": 5}),
        ({"good": 40, "pit": 20}, 60, {"good": 40, "pit": 20}),
        ({"good": 500, "pit": 20}, 60, {"good": 40, "pit": 20}),
        ({"a": 9, "b": 9, "c": 9}, 2, {"a": 1, "b": 1, "c": 1}),
    ],
)
def test_rare_classes_are_looked_at_whole(counts, limit, expected):
    found = sample(records(**counts), limit)
    assert Counter(record.labels[0] for record in found) == expected
    assert len({record.name for record in found}) == len(found)


def test_of_a_frequent_class_images_lie_at_even_distances():
    names = [record.name for record in sample(records(good=100), 4)]
    assert names == ["good0", "good25", "good50", "good75"]


def test_targets_are_labels_or_numbers():
    outputs = ("good", "pit")
    of_labels = Experience(1, "bolt", "bolt", outputs, (), (), ())
    images = [Record("0", None, ("pit",)), Record("1", None, ()), Record("2", None, outputs)]
    assert targets_of(images, of_labels).tolist() == [[0, 1], [0, 0], [1, 1]]
    of_numbers = Experience(1, "bolt", "bolt", ("dx",), (), (), (), regression=True)
    assert np.array_equal(targets_of([Record("0", None, targets=(2.5,))], of_numbers), [[2.5]])
