"""predictions.csv of a run on its way, and the score matrix recomputed from it."""

import logging

import numpy as np
import pytest
from configs_for_tests import digits_manifest, learned, matrix_bytes, task_of

from mlff_cli.metrics.registry import computed
from mlff_cli.results.matrix import TOGETHER
from mlff_cli.results.predictions_file import read
from mlff_cli.runs.building import build_scorer
from mlff_cli.runs.final_scores import together


def recomputed(parts, metrics):
    """Return every metric of some predictions."""
    return computed(metrics, parts.scores, parts.targets, parts.outputs)


def assert_the_matrix_follows(run, outcome, state):
    """Compute every cell of the matrix from predictions.csv, and no other."""
    kind, metrics = build_scorer(run, "test").kind, run["head"]["metrics"]
    found = read(state / "predictions.csv", kind)
    places = {name: place for place, name in enumerate(outcome.matrix.experiences, start=1)}
    cells = {
        (part.trained, places[part.experience], metric): (value, len(part))
        for part in found
        for metric, value in recomputed(part, metrics).items()
    }
    if outcome.matrix.scored_together:
        for trained in range(1, outcome.matrix.learned + 1):
            seen = together([p for p in found if p.trained == trained])
            for metric, value in recomputed(seen, metrics).items():
                cells[trained, TOGETHER, metric] = value, len(seen)
    noted = {(i, j, metric): score for i, j, metric, score in outcome.matrix.scored()}
    assert cells.keys() == noted.keys()
    for cell, (value, n) in cells.items():
        assert noted[cell].n == n
        assert value == pytest.approx(noted[cell].value, nan_ok=True), cell


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"method": "joint"},
        {"schedule": "by_class", "keys": {"schedule.classes_per_experience": 4}},
        {"schedule": "by_class", "head": "multi_label",
         "keys": {"schedule.classes_per_experience": 4}},
        {"schedule": "unseen_product", "keys": {"data.labelling": "good_defect"}},
        {"data": "placement", "schedule": "by_batch", "head": "regressor",
         "keys": {"data.labelling": "offsets", "data.images_per_class": 8}},
    ],
)  # fmt: skip
def test_every_figure_of_the_matrix_follows_from_the_predictions(choices, config, tmp_path):
    run = config(**choices)
    _, outcome = learned(run, tmp_path / "state")
    assert_the_matrix_follows(run, outcome, tmp_path / "state")


def test_a_class_that_no_scored_image_has(config, tmp_path):
    manifest = digits_manifest(
        tmp_path, "label,product", lambda digit, scale: f"d{digit % 3},p{digit % 2}", count=60
    )
    run = config(data="csv", keys={"data.file": str(manifest)})
    _, outcome = learned(run, tmp_path / "state")
    assert_the_matrix_follows(run, outcome, tmp_path / "state")


@pytest.mark.parametrize("cut", [1, 40, 4000])
def test_what_is_lost_of_finished_trainings_is_learned_again(cut, config, tmp_path, caplog):
    run, state = config(), tmp_path / "state"
    _, outcome = learned(run, state)
    whole, matrix = (state / "predictions.csv").read_bytes(), matrix_bytes(outcome, tmp_path)
    (state / "predictions.csv").write_bytes(whole[:-cut])
    caplog.set_level(logging.INFO)
    _, outcome = learned(run, state)
    assert "predictions.csv is damaged: the run starts over" in caplog.text
    assert (state / "predictions.csv").read_bytes() == whole
    assert matrix_bytes(outcome, tmp_path) == matrix


def test_scores_are_those_of_the_model_to_the_bit(config, tmp_path):
    run = config()
    method, _ = learned(run, tmp_path / "state")
    *_, last = read(tmp_path / "state" / "predictions.csv", "class", 3)
    experience = task_of(run).experiences[-1]
    scores = method.scores(experience.head, [record.image for record in experience.test])
    order = [last.outputs.index(output) for output in experience.outputs]
    assert np.array_equal(last.scores[:, order], scores)
    assert list(last.images) == [record.name for record in experience.test]
