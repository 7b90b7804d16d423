import statistics

import pytest

from mlff_cli.errors import UserError
from mlff_cli.results.aggregate import aggregate


def run(seed, score, method="mlff", **more):
    names = {"scenario": "s", "method": method, "backbone": "b", "fusion": "f", "seed": seed}
    return names | {"final mAP": score, "trainable parameters": 80} | more


def test_mean_and_sample_deviation_over_seeds():
    scores = [0.9, 0.8, 0.85]
    (row,) = aggregate([run(seed, score) for seed, score in enumerate(scores)])
    assert row["final mAP"] == pytest.approx(statistics.mean(scores))
    assert row["final mAP deviation"] == pytest.approx(statistics.stdev(scores))
    assert row["seeds"] == 3
    assert "seed" not in row
    assert row["trainable parameters"] == 80
    assert "trainable parameters deviation" not in row


def test_cells_are_not_rounded_before_they_are_averaged():
    (row,) = aggregate([run(0, 0.12344), run(1, 0.12346)])
    assert row["final mAP"] == pytest.approx(0.12345, abs=1e-15)


def test_one_seed_has_no_deviation():
    (row,) = aggregate([run(5, 0.9)])
    assert row["final mAP"] == 0.9
    assert row["final mAP deviation"] is None
    assert row["seeds"] == 1


def test_groups_are_methods_and_varied_keys_in_order_of_appearance():
    rows = [
        run(seed, 0.5, method, epochs=epochs)
        for method in ("mlff", "finetune")
        for epochs in (4, 8)
        for seed in (0, 1)
    ]
    means = aggregate(rows, varied=["epochs"])
    assert [(row["method"], row["epochs"], row["seeds"]) for row in means] == [
        ("mlff", 4, 2),
        ("mlff", 8, 2),
        ("finetune", 4, 2),
        ("finetune", 8, 2),
    ]


def test_runs_that_differ_in_a_key_not_named_are_not_mixed():
    with pytest.raises(UserError, match=r"scenario s, method mlff.*2 runs of seed 0"):
        aggregate([run(0, 0.5, epochs=4), run(0, 0.6, epochs=8)])


def test_a_mean_is_over_the_seeds_that_have_a_value_and_says_how_many():
    (row,) = aggregate([run(0, 0.5), run(1, None), run(2, 0.7)])
    assert row["final mAP"] == pytest.approx(0.6)
    assert row["final mAP deviation"] == pytest.approx(0.02**0.5)
    assert (row["final mAP seeds"], row["seeds"]) == (2, 3)
    assert "trainable parameters seeds" not in row
    (row,) = aggregate([run(0, 0.5), run(1, None)])
    assert (row["final mAP"], row["final mAP deviation"], row["final mAP seeds"]) == (0.5, None, 1)


def test_where_no_seed_has_a_value_there_is_none():
    (row,) = aggregate([run(0, None), run(1, None)])
    assert row["final mAP"] is None
    assert "final mAP deviation" not in row and "final mAP seeds" not in row


def test_what_the_seeds_leave_out_is_said_once():
    said = {"final mAP left out": "1 of 3 experiences, which have no value: crack"}
    (row,) = aggregate([run(0, 0.5, **said), run(1, 0.6, **said), run(2, 0.7)])
    assert row["final mAP left out"] == said["final mAP left out"]


def test_failed_runs_are_kept_apart_with_their_error():
    failed = run(2, None) | {"error": "out of memory"}
    rows = aggregate([failed, run(0, 0.5), run(1, 0.7)])
    assert rows[0]["seeds"] == 2
    assert rows[0]["final mAP"] == pytest.approx(0.6)
    assert rows[1] == failed
    assert aggregate([failed]) == [failed]
