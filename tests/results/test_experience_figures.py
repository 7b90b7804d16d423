import numpy as np
import pytest
from predictions_for_tests import numbers, predictions
from sklearn.metrics import average_precision_score, roc_auc_score

from mlff_cli.metrics.registry import by_file
from mlff_cli.results.experience_figures import ANY_DEFECT, figures_of

METRICS = [by_file("accuracy"), by_file("mean_average_precision")]


def by_name(figures):
    return {(figure.of, figure.name): figure for figure in figures}


@pytest.fixture
def noisy():
    random = np.random.default_rng(1)
    truths = "g" * 30 + "s" * 12 + "p" * 8
    scores = random.random((50, 3)) + 0.5 * np.array([[c == k for k in "gsp"] for c in truths])
    return predictions(truths, scores / scores.sum(axis=1, keepdims=True))


def test_figures_are_those_of_scikit_learn(noisy):
    found = by_name(figures_of(noisy, METRICS, ("good",), "good"))
    for place, name in enumerate(noisy.outputs):
        truth, scores = noisy.bearing(name), noisy.scores[:, place]
        assert found[name, "average precision"].value == pytest.approx(
            average_precision_score(truth, scores)
        )
        assert found[name, "AUROC"].value == pytest.approx(roc_auc_score(truth, scores))
    bad = ~noisy.bearing("good")
    assert found[ANY_DEFECT, "AUROC"].value == pytest.approx(
        roc_auc_score(bad, 1 - noisy.scores[:, 0].astype(float))
    )
    counts = [found["pit", f"{kind} {side}s"].value for kind in ("true", "false")
              for side in ("positive", "negative")]  # fmt: skip
    assert sum(counts) == 50
    assert found["pit", "recall"].value == counts[0] / 8
    assert found["pit", "precision"].n == counts[0] + counts[2]


def test_every_score_lies_in_its_interval_and_has_a_floor(noisy):
    for figure in figures_of(noisy, METRICS, ("good",), "good"):
        if figure.is_count:
            continue
        low, high = figure.interval
        assert 0 <= low <= figure.value <= high <= 1
        assert low < high
    found = by_name(figures_of(noisy, METRICS, ("good",), "good"))
    assert found["", "accuracy"].floor == 0.6
    assert found["pit", "average precision"].floor == 0.16
    assert found["good", "recall"].floor == 1.0
    assert found["pit", "recall"].floor == 0.0
    assert found["good", "precision"].floor == 0.6
    assert np.isnan(found["pit", "precision"].floor)


def test_images_of_one_group_are_one_witness(noisy):
    alone = by_name(figures_of(noisy, METRICS, ("good",), None))
    facts = {"scores": noisy.scores, "groups": [str(place // 10) for place in range(50)]}
    truths = ["g"] * 30 + ["s"] * 12 + ["p"] * 8
    grouped = by_name(figures_of(predictions(truths, **facts), METRICS, ("good",), None))
    key = ("", "mAP")
    assert grouped[key].value == alone[key].value
    assert grouped[key].interval != alone[key].interval


def test_a_class_without_images_has_no_figure_but_its_counts():
    found = by_name(figures_of(predictions("ggs"), METRICS, ("good",), "good"))
    assert np.isnan(found["pit", "average precision"].value)
    assert np.isnan(found["pit", "recall"].value)
    assert found["pit", "true negatives"].value == 3
    assert found["pit", "recall"].n == 0


def test_one_image():
    found = by_name(figures_of(predictions("g"), METRICS, ("good",), "good"))
    assert found["", "accuracy"].value == 1.0
    assert found["", "accuracy"].interval.low == pytest.approx(0.025)
    assert np.isnan(found["", "mAP"].value)
    assert np.isnan(found["", "mAP"].interval.low)


def test_numbers_stand_beside_the_error_of_the_median():
    random = np.random.default_rng(0)
    truth = random.normal(0, 4, (40, 1))
    told = numbers(truth.tolist(), truth + random.normal(0, 1, (40, 1)))
    (figure,) = figures_of(told, [by_file("mean_absolute_error")], ("0.0",), None)
    assert figure.value < figure.floor
    assert figure.interval.low < figure.value < figure.interval.high
    assert figure.floor == pytest.approx(np.abs(truth).mean())


def test_labels_have_a_figure_each():
    told = predictions(["-", "sp", "p", "-"], kind="labels", outputs=("scratch", "pit"))
    metrics = [by_file("exact_match"), by_file("mean_average_precision")]
    found = by_name(figures_of(told, metrics, (), ""))
    assert found["", "exact_match"].floor == 0.5
    assert found[ANY_DEFECT, "AUROC"].value == 1.0
    assert found["pit", "recall"].value == 1.0
