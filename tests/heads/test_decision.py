"""Decisions: each of them, which comes first, and sets of classes that hold what they promise."""

import numpy as np
import pytest
import torch

from mlff_cli.heads.decision import DECISIONS, Decision, set_floor
from mlff_cli.heads.novelty import Novelty

GOOD, PIT, DENT = 0, 1, 2


def decided(scores, p_values=None, **changes):
    """Return the words for images of three classes, the first of them good."""
    settings = {
        "good": GOOD, "has_good": True, "exclusive": True, "threshold": 0.5, "novelty": 0.01,
    }  # fmt: skip
    decision = Decision(**settings | changes)
    given = None if p_values is None else torch.tensor(p_values)
    return [DECISIONS[code] for code in decision(torch.tensor(scores), given).tolist()]


LIKE = [0.5, 0.5, 0.5]


def test_a_part_is_defective_at_the_threshold_and_above():
    scores = [[0.75, 0.2, 0.05], [0.5, 0.25, 0.25], [0.25, 0.7, 0.05]]
    assert decided(scores) == ["ok", "defect", "defect"]
    assert decided(scores, threshold=0.25) == ["defect"] * 3
    assert decided(scores, threshold=0.8) == ["ok"] * 3
    assert decided(scores, [LIKE] * 3) == ["ok", "defect", "defect"]


def test_the_class_may_be_good_and_the_part_defective():
    """What decides is the threshold, not which class has the highest score."""
    assert decided([[0.6, 0.2, 0.2]], threshold=0.3) == ["defect"]


def test_without_a_threshold_nothing_is_decided_but_what_is_unknown_is():
    scores = [[0.9, 0.05, 0.05]] * 3
    p_values = [LIKE, [0.001, 0.5, 0.5], [0.001] * 3]
    assert decided(scores, p_values, threshold=None) == ["", "review", "unknown"]
    assert decided(scores, p_values, has_good=False, good=None) == ["", "review", "unknown"]


def test_what_is_like_no_class_is_unknown():
    scores = [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]]
    assert decided(scores, [[0.01, 0.005, 0.01]] * 2) == ["unknown"] * 2  # at the limit too
    assert decided(scores, [[0.011, 0.011, 0.011]] * 2) == ["ok", "defect"]


def test_what_is_like_another_class_than_the_one_named_is_looked_at_again():
    named_good, named_pit = [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]
    like_pit_alone = [0.01, 0.4, 0.002]
    assert decided([named_good, named_pit], [like_pit_alone] * 2) == ["review", "defect"]


def test_unknown_comes_before_review_and_review_before_the_threshold():
    torn = [0.4, 0.35, 0.25]
    sure = [0.9, 0.06, 0.04]
    assert decided([torn], [LIKE], floor=0.3) == ["review"]
    assert decided([torn], [[0.01] * 3], floor=0.3) == ["unknown"]
    assert decided([sure], [[0.01, 0.5, 0.5]], floor=0.3) == ["review"]
    assert decided([sure], [LIKE], floor=0.3) == ["ok"]


def test_a_set_of_no_class_or_of_several_is_looked_at_again():
    scores = [[0.9, 0.05, 0.05], [0.5, 0.45, 0.05], [0.34, 0.33, 0.33]]
    assert decided(scores, floor=0.4) == ["ok", "review", "review"]
    assert decided(scores, floor=0.4, threshold=None) == ["", "review", "review"]


def test_without_novelty_nothing_is_unknown():
    strange = [[0.001] * 3]
    assert decided([[0.9, 0.05, 0.05]], strange, novelty=None) == ["ok"]
    assert decided([[0.9, 0.05, 0.05]], None) == ["ok"]


def test_several_labels_at_once_are_defective_by_the_highest_of_a_defect():
    scores = [[0.9, 0.1, 0.2], [0.9, 0.6, 0.2], [0.9, 0.1, 0.5]]
    several = {"exclusive": False}
    assert decided(scores, **several) == ["ok", "defect", "defect"]  # "good" counts for nothing
    unlabelled = decided(scores, **several, good=None)
    assert unlabelled == ["defect"] * 3  # all of them are defects where good parts bear no label
    one_class = [[0.5], [0.005], [0.5]]
    assert decided(scores, one_class, **several) == ["ok", "unknown", "defect"]
    # Sets of likely classes are for classes of which one is right.
    assert decided(scores, one_class, **several, floor=0.3) == ["ok", "unknown", "defect"]


def test_numbers_may_be_unknown_and_are_nothing_else():
    numbers = {"exclusive": False, "has_good": False, "good": None, "threshold": None}
    assert decided([[3.5, -2.0], [1e9, 7.0]], [[0.5], [0.005]], **numbers) == ["", "unknown"]


def test_defect_scores_are_those_that_thresholds_were_chosen_on():
    """In double precision: a threshold lies close above or below the score of an image."""
    decision = Decision(good=GOOD, has_good=True, exclusive=True, threshold=0.5, novelty=None)
    scores = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    expected = 1 - scores.numpy().astype(np.float64)[:, GOOD]
    np.testing.assert_array_equal(decision.defect_scores(scores).numpy(), expected)


def test_nothing_is_decided_on_no_image():
    decision = Decision(
        good=GOOD, has_good=True, exclusive=True, threshold=0.5, novelty=0.01, floor=0.3
    )
    assert decision(torch.empty(0, 3), torch.empty(0, 3)).shape == (0,)


def test_a_single_output_is_decided_on():
    assert decided([[1.0], [1.0]], [[0.5], [0.01]], threshold=0.5) == ["ok", "unknown"]


def test_the_floor_is_the_score_below_which_a_share_of_truths_lies():
    truths = torch.linspace(0.01, 0.99, 99)
    assert set_floor(truths, 0.01) == pytest.approx(0.01)
    assert set_floor(truths, 0.1) == pytest.approx(0.1)
    assert set_floor(truths[:98], 0.01) is None  # too few images to tell one in a hundred
    assert set_floor(torch.empty(0), 0.5) is None
    assert set_floor(torch.tensor([0.7]), 0.5) == pytest.approx(0.7)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_sets_miss_the_true_class_of_no_larger_share_than_allowed(share):
    """Exchangeable images: over validation sets and images the truth is in the set."""
    draw = np.random.default_rng(0)

    def drawn(count):
        truths = draw.integers(0, 4, count)
        logits = draw.normal(0, 1, (count, 4))
        logits[np.arange(count), truths] += 1.5
        scores = torch.from_numpy(logits).softmax(dim=1).float()
        return scores, scores[torch.arange(count), torch.from_numpy(truths)]

    missed = []
    for _ in range(200):
        floor = set_floor(drawn(99)[1].sort().values, share)
        missed.append(float((drawn(200)[1] < floor).double().mean()))
    error = np.std(missed) / np.sqrt(len(missed))
    assert share - 0.01 - 3 * error <= np.mean(missed) <= share + 3 * error


def test_of_good_parts_no_larger_share_is_looked_at_again_than_novelty_says():
    """From descriptors to decisions: at most 5 % of images like its own are held back."""
    draw = torch.Generator().manual_seed(0)
    centres = 4 * torch.randn(2, 8, generator=draw)

    def drawn(count):
        classes = torch.arange(count) % 2
        return centres[classes] + 0.3 * torch.randn(count, 8, generator=draw), classes

    held_back = []
    decision = Decision(good=0, has_good=True, exclusive=True, threshold=0.5, novelty=0.05)
    for _ in range(40):
        novelty = Novelty.fitted(drawn(100), drawn(99))
        rows, classes = drawn(200)
        scores = torch.nn.functional.one_hot(classes, 2).float()
        codes = decision(scores, novelty(rows))
        held_back.append(float(torch.isin(codes, torch.tensor([2, 3])).double().mean()))
    assert np.mean(held_back) <= 0.05 + 3 * np.std(held_back) / np.sqrt(40)
    assert np.mean(held_back) >= 0.02
