"""The three heads learn real images: handwritten digits on the embedded network's features."""

import pytest
from configs_for_tests import digits_manifest, learned, small_config

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
        "classifier": ("label", lambda digit, side: f"digit {digit}"),
        "multi_label": ("labels", signs),
        "regressor": ("target_side,target_area", lambda digit, side: f"{side},{side * side}"),
    }
    made = {"store": str(tmp_path_factory.mktemp("store"))}
    for head, (header, row) in rows.items():
        folder = tmp_path_factory.mktemp(head)
        made[head] = digits_manifest(folder, header, row)
    return made


def final_scores(head, problems, folder, **keys):
    # The images are the same for every head: they are seen once.
    keys = {**KEYS, **keys, "data.file": str(problems[head]), "paths.features": problems["store"]}
    config = small_config(folder, data="csv", head=head, keys=keys)
    _, outcome = learned(config, folder / "state")
    return {name: outcome.matrix.score(name, 0, 1, 1).value for name in outcome.matrix.metrics}


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
