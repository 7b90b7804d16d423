"""The three heads learn real images: handwritten digits on the embedded network's features."""

import pytest
import torch
from configs_for_tests import digits_manifest, learned, small_config, task_of

from mlff_cli.heads.classifier import Classifier

KEYS = {
    "data.image_size": 64,
    "method.epochs": 30,
    "method.batch_size": 32,
    "method.learning_rate": 0.003,
    "fusion.width": 64,
    "splits.test": 0.3,
    "splits.validation": 0.0,
    "trainer.batch_size": 32,
}


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """Manifests of the same digits: which digit, what it has, how large it is."""

    def signs(digit, side):
        names = {"even": digit % 2 == 0, "loop": digit in (0, 6, 8, 9), "large": side > 44}
        return "|".join(name for name, there in names.items() if there)

    rows = {
        "classifier": ("label,batch", lambda digit, side: f"digit {digit},b{digit % 2}"),
        "multi_label": ("labels", signs),
        "regressor": (
            "target_side,target_area,batch",
            lambda digit, side: f"{side},{side * side},b{side % 16}",
        ),
    }
    made = {"store": str(tmp_path_factory.mktemp("store"))}
    for head, (header, row) in rows.items():
        folder = tmp_path_factory.mktemp(head)
        made[head] = digits_manifest(folder, header, row)
    return made


def scored(head, problems, folder, keys=None, **choices):
    """Train on the digits and return method and matrix."""
    # The images are the same for every head: they are seen once.
    files = {"data.file": str(problems[head]), "paths.features": problems["store"]}
    config = small_config(
        folder, data="csv", head=head, keys=KEYS | files | (keys or {}), **choices
    )
    method, outcome = learned(config, folder / "state")
    return method, outcome.matrix


def final_scores(head, problems, folder, **keys):
    _, matrix = scored(head, problems, folder, keys)
    return {name: matrix.score(name, 1, 1).value for name in matrix.metrics}


def test_the_classifier_tells_digits_apart(problems, tmp_path):
    scores = final_scores("classifier", problems, tmp_path)
    assert scores["accuracy"] > 0.8  # ten classes alike: 0.1 by chance
    assert scores["mAP"] > 0.85


def test_multi_label_tells_what_a_digit_has(problems, tmp_path):
    scores = final_scores("multi_label", problems, tmp_path)
    assert scores["exact_match"] > 0.6  # the most frequent combination alone: about 0.2
    assert scores["mAP"] > 0.85  # by chance: about 0.45


def test_the_regressor_measures_size_in_pixels(problems, tmp_path):
    scores = final_scores("regressor", problems, tmp_path)
    # Always the mean: 12 of a range of 40 pixels, and 1,080 of their squares.
    assert scores["mae target_side"] < 4
    assert scores["mae target_area"] < 350


def test_a_head_that_does_not_learn_misses_these_bars(problems, tmp_path):
    scores = final_scores("classifier", problems, tmp_path, **{"method.learning_rate": 1e-9})
    assert scores["accuracy"] < 0.5


def test_joint_training_gives_every_image_its_own_target(problems, tmp_path):
    """Even and odd digits in turn, one head: mixed up, they would be told apart by chance."""
    _, matrix = scored("classifier", problems, tmp_path, method="joint", schedule="by_batch")
    assert matrix.score("accuracy", 2, 1).value > 0.8
    assert matrix.score("accuracy", 2, 2).value > 0.8


def test_a_shared_regressor_keeps_the_scale_of_its_first_experience(problems, tmp_path):
    method, matrix = scored("regressor", problems, tmp_path, schedule="by_batch")
    assert matrix.experiences == ("b8", "b0")
    (head,) = method.adapters.heads
    # Of 24, 40 and 56 pixels, and not of the 32, 48 and 64 that came later.
    assert float(head.mean[0]) == pytest.approx(40, abs=2)
    assert matrix.score("mae target_side", 2, 2).value < 4


def test_a_rare_class_gains_recall_by_balanced_weights():
    """One row in eleven is of a class that overlaps with the other."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.tensor([0] * 200 + [1] * 20)
    rows = torch.randn(220, 4, generator=generator) + targets[:, None]
    recall = {}
    for weights in ("none", "balanced"):
        torch.manual_seed(0)
        head = Classifier(4, ("many", "rare"), hidden=0, label_smoothing=0.0, class_weights=weights)
        head.fit(targets)
        optimiser = torch.optim.SGD(head.parameters(), lr=0.5)
        for _ in range(200):
            optimiser.zero_grad()
            head.loss(head(rows), targets).backward()
            optimiser.step()
        recall[weights] = float(head(rows[200:]).argmax(dim=1).float().mean())
    assert recall["balanced"] > recall["none"] + 0.2


@pytest.mark.parametrize("method", ["mlff", "joint", "finetune"])
def test_every_method_that_trains_weighs_the_classes_of_what_it_learns(method, tmp_path):
    keys = {"head.class_weights": "balanced", "method.epochs": 1}
    manifest = digits_manifest(tmp_path, "label", lambda d, side: "other" if d else "zero", 60)
    keys |= {"data.file": str(manifest), "data.image_size": 32}
    config = small_config(tmp_path, data="csv", method=method, keys=keys)
    trained, _ = learned(config, tmp_path / "state")
    (experience,) = task_of(config).experiences
    head = trained.adapters[experience.head]
    counts = head.targets(experience.train, head.outputs).bincount()
    torch.testing.assert_close(head.weights, len(experience.train) / (2 * counts))
