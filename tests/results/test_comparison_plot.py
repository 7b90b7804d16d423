"""The picture of a table."""

from contextlib import contextmanager

import pytest

from mlff_cli.metrics.registry import by_name
from mlff_cli.results import canvas, comparison_plot
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


@pytest.mark.filterwarnings("error")
def test_shares_end_at_a_hundred_and_their_values_are_shown_all_the_same(tmp_path, monkeypatch):
    drawn = []

    @contextmanager
    def picture(*arguments, **named):
        with canvas.picture(*arguments, **named) as figure:
            yield figure
            drawn.append(figure)

    monkeypatch.setattr(comparison_plot, "picture", picture)
    row = {"scenario": "\ue123", "method": "mlff", "learning mAP": 0.99, "final mAP": 1.0}
    deviations = {"learning mAP deviation": 0.05, "final mAP deviation": 0.0}
    comparison(tmp_path / "plot.png", [row | deviations], by_name("mAP"), "seeds")
    axes = drawn[0].axes[0]
    assert axes.get_xlim() == (0, 100)
    assert axes.get_title("left") == r"\ue123"
    drawn[0].draw_without_rendering()
    frame = drawn[0].bbox
    shown = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert set(shown) == {"99.0 ± 5.0", "100.0 ± 0.0"}
    assert all(extent.x1 <= frame.x1 and extent.x0 > axes.bbox.x1 for extent in shown.values())
