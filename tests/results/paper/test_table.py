import csv

import pytest

from mlff_cli.results.cells import DEVIATION, SEEDS
from mlff_cli.results.paper.table import paper_rows
from mlff_cli.results.paper.text import write_paper_table


def run(scenario, method, seed, score=0.9, **cells):
    return {
        "scenario": scenario,
        "method": method,
        "backbone": "tiny",
        "fusion": "conv1x1",
        "seed": seed,
        "learning accuracy": score,
        "learning mAP": score,
        "final accuracy": score - 0.1,
        "final mAP": score - 0.1,
        "forgetting (mAP)": 0.2 if method == "finetune" else 0.05,
        "unseen mAP": None,
        "trainable parameters": 1000 if method == "finetune" else 80,
        "saving (%)": 0.0 if method == "finetune" else 92.0,
        "training seconds per experience": 30.0 if method == "finetune" else 1.5,
        "feature extraction seconds": 0.0 if method == "finetune" else 4.0,
        "peak memory (MiB)": 700.0,
    } | cells


def table(scenario, finetune, mlff):
    """Return the runs of both methods, a seed for each score."""
    return [
        run(scenario, method, seed, score)
        for method, scores in (("finetune", finetune), ("mlff", mlff))
        for seed, score in enumerate(scores)
    ]


def test_a_row_per_scenario_with_means_deviations_differences_and_the_papers_figures():
    runs = table("surface_defect", [0.90, 0.92, 0.94], [0.93, 0.951, 0.969])
    runs += table("component_misalignment", [0.8, 0.8, 0.8], [0.8, 0.8001, 0.7999])
    first, second = paper_rows(runs)
    assert first["finetune learning mAP"] == pytest.approx(0.92)
    assert first["finetune learning mAP" + DEVIATION] == pytest.approx(0.02)
    assert first["difference in learning mAP"] == pytest.approx(0.03)
    assert first["difference in learning mAP" + DEVIATION] == pytest.approx(0.001)
    assert first["difference in learning mAP: verdict"] == "better"
    assert second["difference in learning mAP: verdict"] == "equivalent"
    assert first["delta mAP"] == pytest.approx(0.15)
    assert first["ratio of training seconds"] == pytest.approx(20)
    assert first["feature extraction seconds, all runs"] == 12
    assert (first["finetune trainable parameters"], first["mlff trainable parameters"]) == (
        1000,
        80,
    )
    assert first["saving (%)"] == 92
    assert first["paper: finetune learning accuracy"] == 0.942
    assert (first["paper: delta mAP"], second["paper: delta mAP"]) == (0.021, 0.034)
    assert (first["seeds"], first["tasks"]) == (3, "surface_defect")


def test_every_product_that_was_unseen_counts_alike():
    runs = []
    for task, score in (("cross_product", 0.6), ("cross_product_metal", 0.8)):
        for seed in (0, 1):
            unseen = {"unseen mAP": score + seed / 10}
            runs += [run(task, method, seed, **unseen) for method in ("finetune", "mlff")]
            runs.append(run(task, "linear_probe", seed, **{"unseen mAP": 0.5 + seed / 10}))
    (row,) = paper_rows(runs)
    assert row["mlff unseen mAP"] == pytest.approx(0.75)
    assert row["mlff unseen mAP" + DEVIATION] == pytest.approx(0.1 / 2**0.5)
    assert row["difference in unseen mAP: verdict"] == "equivalent"
    assert row["mlff - linear_probe unseen mAP"] == pytest.approx(0.2)
    assert row["mlff - linear_probe unseen mAP: verdict"] == "better"
    assert row["paper: mlff unseen mAP"] == 0.807 and "paper: mlff learning accuracy" not in row


def test_only_seeds_that_both_methods_have_are_compared():
    runs = table("surface_defect", [0.9, 0.9], [0.91, 0.92, 0.99])
    (row,) = paper_rows(runs)
    assert row["difference in learning mAP"] == pytest.approx(0.015)
    assert row["mlff learning mAP"] == pytest.approx(0.94)
    lacking = [r for r in runs if (r["method"], r["seed"]) != ("finetune", 0)]
    (row,) = paper_rows(lacking)
    assert row["difference in learning mAP"] == pytest.approx(0.02)
    assert row["difference in learning mAP: verdict"] == "not decided"


def test_a_cell_over_some_of_the_seeds_says_how_many(tmp_path):
    runs = table("surface_defect", [0.9, 0.92, 0.94], [0.91, 0.93, 0.99])
    runs[-1]["learning mAP"] = None
    (row,) = paper_rows(runs)
    assert row["mlff learning mAP"] == pytest.approx(0.92)
    assert (row["mlff learning mAP" + SEEDS], row["seeds"]) == (2, 3)
    assert row["difference in learning mAP" + SEEDS] == 2
    assert not [key for key in row if key.startswith("finetune") and key.endswith(SEEDS)]
    text = write_paper_table(tmp_path, runs, "mlff sweep", [])
    learning = text.split("## Learning mAP")[1].split("##")[0]
    assert "| 92.0 ± 2.0 | 92.0 ± 1.4 (2 of 3) | +1.0 ± 0.0 (2 of 3) | better |" in learning
    assert "(2 of 3)" not in text.split("## Learning accuracy")[1].split("##")[0]


def test_a_seed_that_lacks_a_task_is_not_compared():
    runs = [run("cross_product", m, 0, **{"unseen mAP": 0.5}) for m in ("finetune", "mlff")]
    runs.append(run("cross_product_metal", "mlff", 0, **{"unseen mAP": 0.9}))
    (row,) = paper_rows(runs)
    assert row["difference in unseen mAP"] is None


def test_what_was_not_computed_stays_blank(tmp_path):
    runs = [run("surface_defect", "mlff", 0, **{"learning mAP": None})]
    runs.append({"scenario": "surface_defect", "method": "joint", "seed": 1, "error": "a|b *c*"})
    text = write_paper_table(tmp_path, runs, "mlff sweep", ["split: no near-duplicates"])
    assert "joint, seed 1: a\\|b \\*c\\*" in text and "split: no near-duplicates" in text
    with (tmp_path / "results.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["mlff learning mAP"] == "" == row["finetune learning accuracy"]
    assert row["difference in learning accuracy: verdict"] == ""
    assert row["mlff learning accuracy" + DEVIATION] == ""


def test_csv_is_unrounded_and_markdown_rounded(tmp_path):
    third = 1 / 3
    text = write_paper_table(tmp_path, table("surface_defect", [third], [0.25]), "mlff sweep x", [])
    assert text == (tmp_path / "results.md").read_text()
    assert repr(third) in (tmp_path / "results.csv").read_text()
    learning = text.split("## Learning accuracy")[1].split("##")[0]
    assert "| surface defect detection, products | 33.3 | 25.0 | -8.3 | not decided |" in learning
    assert "94.2 | 93.8 |" in learning and "    mlff sweep x" in text
    assert "+15.0 |" in text.split("## Forgetting")[1]


def test_runs_of_other_tasks_make_no_row():
    assert paper_rows([run("solar_cells", "mlff", 0)]) == []
