"""Which images are kept as exemplars."""

from collections import Counter

import torch

from mlff_cli.heads.classifier import Classifier
from mlff_cli.heads.multi_label import MultiLabel
from mlff_cli.heads.regressor import Regressor
from mlff_cli.methods.herding import herded
from mlff_cli.tasks.record import Record

CLASSIFIER = Classifier(2, ("good", "pit", "dent"), hidden=0, label_smoothing=0.0)
LABELS = MultiLabel(2, ("pit", "dent"), hidden=0)
NUMBERS = Regressor(2, ("dx", "dy"), hidden=0)


def records(*labels, targets=()):
    return [
        Record(str(place), None, labels=own, targets=targets) for place, own in enumerate(labels)
    ]


def noise(count, seed=0):
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def test_of_each_class_as_many_as_asked_for_or_all_there_are():
    images = records(*[("good",)] * 20, *[("pit",)] * 3, *[("dent",)] * 8)
    places = herded(noise(31), images, 5, CLASSIFIER)
    assert Counter(images[place].labels[0] for place in places) == {"good": 5, "pit": 3, "dent": 5}
    assert places == sorted(set(places))
    assert places == herded(noise(31), images, 5, CLASSIFIER)


def test_an_image_with_several_labels_counts_for_each_and_one_without_is_a_class():
    images = records(*[("pit", "dent")] * 4, *[("dent",)] * 9, *[()] * 9)
    for seed in range(5):
        chosen = [images[place].labels for place in herded(noise(22, seed), images, 3, LABELS)]
        assert Counter(chosen)[()] == 3
        assert sum("pit" in labels for labels in chosen) == 3
        assert 3 <= sum("dent" in labels for labels in chosen) <= 6


def test_of_numbers_as_many_for_each_whatever_the_labels_are():
    images = records(*[("left",)] * 30, targets=(1.0, 2.0))
    assert len(herded(noise(30), images, 4, NUMBERS)) == 8
    assert herded(noise(5), images[:5], 4, NUMBERS) == [0, 1, 2, 3, 4]


def test_the_first_is_the_nearest_to_the_mean_and_the_second_balances_it():
    directions = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0], [0.7, 0.72]])
    images = records(*[("good",)] * 5)
    assert herded(directions, images, 1, CLASSIFIER) == [4]
    # Length does not count.
    stretched = directions * torch.tensor([[9.0], [1.0], [1.0], [1.0], [0.1]])
    assert herded(stretched, images, 1, CLASSIFIER) == [4]
    # The second makes up for what the first is off.
    assert herded(directions, images, 2, CLASSIFIER) == [1, 4]


def test_means_of_herded_images_are_nearer_than_those_of_random_ones():
    seen, images = noise(200), records(*[("good",)] * 200)
    directions = torch.nn.functional.normalize(seen)

    def gap(places):
        return float((directions[places].mean(dim=0) - directions.mean(dim=0)).norm())

    random = [gap(torch.randperm(200)[:10]) for _ in range(20)]
    assert gap(herded(seen, images, 10, CLASSIFIER)) < min(random)
