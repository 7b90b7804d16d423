"""The loop over experiences: its matrix, and runs that break off anywhere."""

import logging

import pytest
import torch
from configs_for_tests import (
    digits_manifest,
    learned,
    matrix_bytes,
    small_config,
    task_of,
    tiny_backbone,
)

from mlff_cli.errors import UserError
from mlff_cli.heads.classifier import Classifier
from mlff_cli.methods.finetune import FineTuning
from mlff_cli.metrics.registry import by_name
from mlff_cli.results.matrix import TOGETHER
from mlff_cli.runs.checkpoints import Checkpoints, EpochJournal


class BrokenOff(BaseException):
    """As sudden as a signal: no `except Exception` stops it."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def config(tmp_path, weights_of, store):
    def make(**choices):
        keys = tiny_backbone(weights_of) | {"paths.features": str(store)}
        keys |= choices.pop("keys", {})
        return small_config(tmp_path, backbone="timm", keys=keys, **choices)

    return make


def whole(config, folder):
    """Return the matrix of a run that nothing breaks off, and its final state."""
    method, outcome = learned(config, folder / "whole", checkpoint_every=1)
    return matrix_bytes(outcome, folder), method.state().tensors


def predictions_bytes(state):
    """Return what the run's predictions.csv holds."""
    return (state / "predictions.csv").read_bytes()


def break_off_everywhere(monkeypatch):
    """Let every save break the run off twice: right before it the first time, then right after."""
    visits = {}

    def breaking(original, place):
        def wrapped(self, *arguments):
            key = place(self, *arguments)
            visits[key] = visits.get(key, 0) + 1
            if visits[key] == 1:
                raise BrokenOff
            original(self, *arguments)
            if visits[key] == 2:
                raise BrokenOff

        return wrapped

    save, epoch_done = Checkpoints.save, EpochJournal.epoch_done
    monkeypatch.setattr(
        Checkpoints, "save", breaking(save, lambda self, progress: progress.finished)
    )
    monkeypatch.setattr(
        EpochJournal,
        "epoch_done",
        breaking(epoch_done, lambda self, epoch, *_: (self.index, epoch)),
    )
    return visits


@pytest.mark.parametrize(
    ("method", "fusion"),
    [("mlff", "conv1x1"), ("mlff", "authors"), ("linear_probe", "deepest"),
     ("joint", "conv1x1"), ("finetune", "deepest"), ("finetune", "authors"),
     ("mlff", "local"), ("finetune", "local")],
)  # fmt: skip
def test_broken_off_anywhere_and_resumed_the_matrix_is_the_same(
    method, fusion, config, tmp_path, monkeypatch
):
    keys = {"method.distillation": 0.5} if method == "mlff" else {}
    run = config(method=method, fusion=fusion, keys=keys)
    expected, state = whole(run, tmp_path)
    visits = break_off_everywhere(monkeypatch)
    broken_off = 0
    while True:
        try:
            resumed, outcome = learned(run, tmp_path / "state", checkpoint_every=1)
            break
        except BrokenOff:
            broken_off += 1
            assert broken_off < 50
    steps = 1 if method == "joint" else 3
    # Two epochs of each step and its end, each before and after it was kept.
    assert len(visits) == 3 * steps
    assert broken_off == 2 * 3 * steps
    assert matrix_bytes(outcome, tmp_path) == expected
    assert predictions_bytes(tmp_path / "state") == predictions_bytes(tmp_path / "whole")
    assert all(torch.equal(tensor, state[name]) for name, tensor in resumed.state().tensors.items())


def test_broken_off_where_classes_arrive_it_rehearses_the_same(config, tmp_path, monkeypatch):
    keys = {"schedule.classes_per_experience": 5, "method.rehearsal": 2}
    run = config(schedule="by_class", fusion="local", keys=keys)
    expected, state = whole(run, tmp_path)
    break_off_everywhere(monkeypatch)
    for _ in range(2 * 3 * 3):
        with pytest.raises(BrokenOff):
            learned(run, tmp_path / "state", checkpoint_every=1)
    resumed, outcome = learned(run, tmp_path / "state", checkpoint_every=1)
    assert matrix_bytes(outcome, tmp_path) == expected
    assert predictions_bytes(tmp_path / "state") == predictions_bytes(tmp_path / "whole")
    assert all(torch.equal(tensor, state[name]) for name, tensor in resumed.state().tensors.items())
    assert len(resumed.memory.kept["shared"]) == 3


def test_a_state_of_other_experiences_is_refused(config, tmp_path, monkeypatch):
    run = config()
    with monkeypatch.context() as patch:
        break_off_everywhere(patch)
        for _ in range(6):  # the first experience is kept
            with pytest.raises(BrokenOff):
                learned(run, tmp_path / "state")
    checkpoints = Checkpoints(tmp_path / "state")
    progress = checkpoints.load()
    progress.matrix.experiences = ("other", *progress.matrix.experiences[1:])
    checkpoints.save(progress)
    with pytest.raises(UserError, match=r"its scores are of other experiences.*remove the folder"):
        learned(run, tmp_path / "state")


def test_a_broken_off_run_trains_what_is_left_and_no_more(config, tmp_path, monkeypatch):
    run = config()
    visits = break_off_everywhere(monkeypatch)
    for _ in range(6 + 2 + 1):  # the first experience is finished, the second has begun
        with pytest.raises(BrokenOff):
            learned(run, tmp_path / "state", checkpoint_every=1)
    monkeypatch.undo()
    assert visits[1] == 2
    original, steps = Classifier.loss, []

    def counted(self, *arguments):
        steps.append(1)
        return original(self, *arguments)

    monkeypatch.setattr(Classifier, "loss", counted)
    learned(run, tmp_path / "state", checkpoint_every=1)
    # Two steps an epoch: the second epoch of the second experience, and the third experience.
    assert len(steps) == 2 + 4


def test_a_finished_sequence_that_is_resumed_does_nothing(config, tmp_path, monkeypatch):
    run = config(method="finetune")
    expected, _ = whole(run, tmp_path)
    monkeypatch.setattr(FineTuning, "learn", lambda *_: pytest.fail("trained again"))
    _, outcome = learned(run, tmp_path / "whole")
    assert matrix_bytes(outcome, tmp_path) == expected
    assert len(outcome.training_seconds) == 3


def test_a_damaged_state_starts_the_run_over(config, tmp_path, caplog):
    run = config()
    expected, _ = whole(run, tmp_path)
    checkpoints = Checkpoints(tmp_path / "whole")
    content = bytearray(checkpoints.file.read_bytes())
    content[len(content) // 2] ^= 4
    checkpoints.file.write_bytes(content)
    assert checkpoints.load() is None
    with caplog.at_level(logging.INFO):
        _, outcome = learned(run, tmp_path / "whole")
    assert matrix_bytes(outcome, tmp_path) == expected
    assert "resumed" not in caplog.text


@pytest.mark.parametrize("method", ["mlff", "finetune"])
def test_a_loss_that_is_no_number_names_where_and_keeps_the_state_before(
    method, config, tmp_path, monkeypatch
):
    run = config(method=method)
    expected, _ = whole(run, tmp_path)
    original, calls = Classifier.loss, []

    def spoilt(self, outputs, targets):
        calls.append(1)
        # Two batches an epoch, two epochs an experience: the third step of the second experience.
        return original(self, outputs, targets) * (float("nan") if len(calls) == 7 else 1)

    monkeypatch.setattr(Classifier, "loss", spoilt)
    with pytest.raises(UserError, match=r"experience 2 'woven_fabric': .*nan in epoch 2, step 1"):
        learned(run, tmp_path / "state")
    kept = Checkpoints(tmp_path / "state").load()
    assert kept.finished == 1
    assert all(
        bool(torch.isfinite(t).all()) for t in kept.state.tensors.values() if t.is_floating_point()
    )
    monkeypatch.undo()
    _, outcome = learned(run, tmp_path / "state")
    assert matrix_bytes(outcome, tmp_path) == expected


def test_the_matrix_has_a_row_for_every_experience_seen_so_far(config, tmp_path):
    _, outcome = learned(config(), tmp_path / "state")
    matrix = outcome.matrix
    assert matrix.experiences == ("brushed_metal", "woven_fabric", "glazed_ceramic")
    known = [[matrix.score("mAP", i, j).n for j in (1, 2, 3)] for i in range(4)]
    assert known == [[None] * 3, [5, None, None], [5, 5, None], [5, 5, 5]]
    assert len(outcome.training_seconds) == 3
    assert outcome.peak_memory_mib > 0


def test_a_shared_head_is_scored_everywhere_from_before_the_first_training(config, tmp_path):
    run = config(schedule="unseen_product", keys={"data.labelling": "good_defect"})
    _, outcome = learned(run, tmp_path / "state")
    matrix = outcome.matrix
    assert (matrix.learned, len(matrix.experiences)) == (2, 3)
    counts = [[matrix.score("accuracy", i, j).n for j in (1, 2, 3)] for i in range(3)]
    assert counts == [[2, 2, 8]] * 3


@pytest.mark.parametrize("size", [1, 5])
def test_where_classes_arrive_all_seen_so_far_are_scored_together(size, config, tmp_path):
    keys = {"schedule.classes_per_experience": size, "method.epochs": 1}
    run = config(schedule="by_class", keys=keys)
    method, outcome = learned(run, tmp_path / "state")
    matrix, experiences = outcome.matrix, task_of(run).experiences
    for step in range(1, matrix.learned + 1):
        together = matrix.score("accuracy", step, TOGETHER)
        each = [matrix.score("accuracy", step, j) for j in range(1, step + 1)]
        assert together.n == sum(score.n for score in each)
        if step > 1 or size > 1:
            right = sum(score.value * score.n for score in each)
            assert together.value == pytest.approx(right / together.n)
    # The head is not told which experience an image is of.
    last = matrix.score("mAP", matrix.learned, TOGETHER).value
    records = [record for experience in experiences for record in experience.test]
    scores = method.scores("shared", [record.image for record in records])
    targets = Classifier.targets(records, method.heads["shared"]).numpy()
    assert last == pytest.approx(by_name("mAP").function(scores, targets))


def test_scored_on_validation_the_test_split_is_left_alone(config, tmp_path):
    run = config(keys={"splits.scored": "validation", "splits.validation": 0.5})
    _, outcome = learned(run, tmp_path / "state")
    task = task_of(run)
    assert outcome.matrix.score("mAP", 1, 1).n == len(task.experiences[0].validation)


def test_a_run_that_would_score_no_image_is_refused(config):
    run = config(keys={"splits.validation": 0.0, "splits.scored": "validation"})
    with pytest.raises(UserError, match=r"splits\.validation=0: no image would be scored"):
        task_of(run)


def test_one_experience_is_a_sequence_too(config, tmp_path):
    run = config(schedule="by_batch", keys={"data.labelling": "good_defect"})
    for method in ("mlff", "joint"):
        _, outcome = learned({**run, "method": config(method=method)["method"]}, tmp_path / method)
        assert outcome.matrix.experiences == ("all",)
        assert outcome.matrix.score("accuracy", 0, 1).n == 6
        assert outcome.matrix.score("accuracy", 1, 1).n == 6


def test_groups_never_straddle_the_splits(config, tmp_path):
    numbers = iter(range(1000))
    manifest = digits_manifest(
        tmp_path,
        "label,group",
        lambda digit, side: f"{'low' if digit < 5 else 'high'},lot {next(numbers) // 4}",
        count=120,
    )
    sizes = set()
    for seed in range(5):
        task = task_of(config(data="csv", keys={"data.file": str(manifest), "seed": seed}))
        (experience,) = task.experiences
        groups = {
            split: {record.group for record in experience.split(split)}
            for split in ("train", "validation", "test")
        }
        assert all(groups.values())
        assert sum(map(len, groups.values())) == 30
        assert len(set().union(*groups.values())) == 30
        sizes.add(frozenset(groups["test"]))
    assert len(sizes) == 5


@pytest.mark.parametrize("method", ["mlff", "finetune", "joint", "linear_probe", "closed_form"])
def test_classes_that_come_one_at_a_time(method, tmp_path, caplog):
    keys = {"schedule.classes_per_experience": 1, "data.images_per_class": 4}
    config = small_config(tmp_path, data="placement", schedule="by_class", method=method, keys=keys)
    caplog.set_level("INFO")
    model, outcome = learned(config, tmp_path / "state")
    matrix = outcome.matrix
    last = matrix.learned
    assert len(model.heads["shared"]) == last == 5
    assert all(matrix.score("mAP", last, scored).without_value for scored in range(1, 6))
    assert all(matrix.score("accuracy", last, scored).value >= 0 for scored in range(1, 6))
    if method != "joint":
        assert matrix.score("accuracy", 1, 1).without_value  # nothing to decide yet
        assert "accuracy has no value" in caplog.text
