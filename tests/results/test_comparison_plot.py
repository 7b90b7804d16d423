"""The picture of a table."""

import pytest

from mlff_cli.metrics.registry import by_name
from mlff_cli.results.comparison_plot import comparison


@pytest.mark.filterwarnings("error")
def test_comparison_of_aggregated_rows_with_failed_and_blank_ones(tmp_path):
    rows = [
        {
            "scenario": scenario,
            "method": method,
            "learning mAP": None if method == "joint" else 0.9,
            "learning mAP deviation": None if method == "joint" else 0.01,
            "final mAP": 0.8,
            "final mAP deviation": None,
        }
        for scenario in ("surface_defect", "cross_product")
        for method in ("mlff", "joint")
    ]
    failed = {"scenario": "surface_defect", "method": "finetune", "error": "out of memory"}
    comparison(tmp_path / "with.png", [*rows, failed], by_name("mAP"), "paper_table")
    comparison(tmp_path / "without.png", rows, by_name("mAP"), "paper_table")
    assert (tmp_path / "with.png").read_bytes() == (tmp_path / "without.png").read_bytes()
