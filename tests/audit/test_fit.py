"""Whether a backbone fits, in numbers and in words."""

import numpy as np
import pytest

from mlff_cli.audit.fit import Fit, advantage, backbone_lines, fit_sentences, levels_lines
from mlff_cli.metrics.separability import Neighbours


def fit(backbone, *shares, names=("bolt", "nut"), images=100):
    """Return one whose neighbours are right in a share of each of two classes."""
    classes = np.arange(2 * images) % 2
    together = {}
    for name, share in zip(names, shares, strict=False):
        rank = np.arange(2 * images) // 2
        right = np.where(np.eye(2)[classes] > 0, (rank < share * images)[:, None], np.nan)
        together[name] = Neighbours(right, 0.5)
    return Fit(
        backbone, together, {name: {"deep": found.score} for name, found in together.items()}
    )


def test_the_better_backbone_is_named_with_both_figures():
    own, other = fit("small", 0.6, 0.7), fit("large", 0.9, 0.9)
    gain, error = advantage(other, own)
    assert gain == pytest.approx(0.25) and 0 < error < 0.05
    (said,) = fit_sentences(own, [fit("worse", 0.55, 0.6), other])
    assert "large tells the classes apart better than small" in said
    assert "90.0 % against 65.0 %, by chance 50.0 %" in said


def test_what_is_better_by_chance_alone_is_not_named():
    own, other = fit("small", 0.60, 0.70), fit("large", 0.61, 0.70)
    (said,) = fit_sentences(own, [other])
    assert "of 1 other installed ones none is clearly better (best: large, 65.5 %)" in said
    assert "no other one is installed" in fit_sentences(own, [])[0]


def test_classes_that_look_alike_are_told():
    own = fit("small", 0.51, 0.5, 0.52, 0.49, 0.9, names="abcde")
    first, _ = fit_sentences(own, [])
    assert "the classes of 'a', 'b', 'c' and 1 more look alike" in first
    assert "'e'" not in first


def test_where_no_experience_has_two_classes_nothing_is_said():
    assert fit_sentences(Fit("small", {}, {}), []) == []


def test_tables_have_a_line_for_each_experience_and_each_backbone():
    own, other = fit("small", 0.6, 0.7), fit("large", 0.9, 0.9)
    assert levels_lines(own)[1] == {
        "experience": "nut", "chance": "50.0 %", "deep": "70.0 %", "all levels": "70.0 %",
    }  # fmt: skip
    best, mine = backbone_lines(own, [other])
    assert (best["backbone"], mine["backbone"]) == ("large", "small")
    assert best["against small"].startswith("+25.0 ± ") and mine["against small"] == ""
