"""The gate: what passes, and what is told of what does not."""

import numpy as np
import pytest

from mlff_cli.runs.export.gate import Comparison, Judged

GOOD, BAD = [0.9, 0.1], [0.2, 0.8]


def compared(run, file, *, kind="class", codes=None, metrics=("accuracy",), targets=None):
    old, new = codes or ([0] * len(run), [0] * len(run))
    scores = [np.array(part, np.float32) for part in (run, file)]
    return Comparison(
        kind=kind,
        outputs=("good", "pit")[: scores[0].shape[1]],
        names=[f"{number}.png" for number in range(len(run))],
        targets=np.array([0] * len(run)) if targets is None else np.array(targets),
        metrics=metrics,
        run=Judged(scores[0], np.array(old)),
        file=Judged(scores[1], np.array(new)),
    )


def test_the_same_answers_pass():
    found = compared([GOOD, BAD], [[0.90005, 0.09995], BAD])
    assert found.refusal(None) is None
    assert found.difference == pytest.approx(5e-5, rel=1e-2)
    assert (found.changed, found.drop) == ([], 0)


def test_a_score_that_differs_does_not():
    found = compared([GOOD], [[0.9002, 0.0998]])
    assert "scores differ by up to 0.0002 (at most 0.0001 may be)" in found.refusal(None)
    assert found.refusal(0.0) is None  # with fewer digits the answer counts


def test_images_that_change_are_named_and_counted():
    found = compared([GOOD, BAD] * 4, [BAD] * 8, codes=([0] * 8, [1, 0] * 4))
    assert found.changed[0] == "0.png (good ok, now pit defect)"
    assert found.drop == 0.5
    said = found.refusal(None)
    assert said.startswith("4 of 8 validation images are answered otherwise")
    many = compared([GOOD] * 9, [BAD] * 9).refusal(0.5)
    assert "4.png (good ok, now pit ok), ..." in many and "5.png" not in many
    assert "accuracy 100.0 % -> 0.0 %; 9 answered otherwise" in many
    assert "a loss of 1, more than max_drop=0.5" in many


def test_of_numbers_the_error_may_grow_by_that_share():
    facts = {"kind": "numbers", "metrics": ("mean_absolute_error",), "codes": ([4] * 2, [4] * 2)}
    found = compared([[1010.0], [990.0]], [[1010.05], [990.0]], targets=[[1000], [1000]], **facts)
    assert found.refusal(None) is None  # within 0.0001 of what they are
    worse = compared([[1010.0], [990.0]], [[1013.0], [990.0]], targets=[[1000], [1000]], **facts)
    assert worse.changed == []
    assert worse.drop == pytest.approx(0.15)
    assert worse.refusal(0.2) is None
    assert "a loss of 0.15" in worse.refusal(0.1)
    assert worse.refusal(None) is not None


def test_several_labels_or_none_are_words_too():
    found = compared([[0.6, 0.7], [0.1, 0.2]], [[0.6, 0.2], [0.1, 0.2]], kind="labels",
                     metrics=("exact_match",), targets=[[1, 1], [0, 0]])  # fmt: skip
    assert found.changed == ["0.png (good;pit ok, now good ok)"]
