"""Which tests `scripts/test fast` leaves out: what trains whole runs or starts many processes.

Named here and not in the modules, so that the list is read at one glance. A test that is slow in a
module that is not carries `@pytest.mark.slow` itself.
"""

from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

SLOW = (
    "backbones/test_folding.py",
    "backbones/test_further_backbones.py",
    "backbones/test_network.py",
    "bad_input",
    "cli/test_main.py",
    "cli/test_shells.py",
    "commands",
    "config/test_composition.py",
    "config/test_identity.py",
    "config/test_keys.py",
    "config/test_plug_ins.py",
    "config/test_shipped.py",
    "config/test_variants.py",
    "data/test_placement.py",
    "features/store/test_writing.py",
    "features/test_engines.py",
    "features/test_features_seam.py",
    "features/test_transfer.py",
    "fusion/test_adding_a_fusion_layer.py",
    "heads/test_heads_learn.py",
    "images/test_workers.py",
    "library",
    "methods",
    "metrics/test_adding_a_metric.py",
    "results/page/test_page_in_a_browser.py",
    "results/test_painter.py",
    "results/test_pictures.py",
    "results/test_plots.py",
    "runs",
    "sweeps/test_cluster.py",
    "sweeps/test_in_processes.py",
    "sweeps/test_plan.py",
    "sweeps/test_table.py",
    "system/test_interruption.py",
    "system/test_onnx_writing.py",
    "system/test_openvino.py",
    "tasks/test_needs.py",
    "tasks/test_splits.py",
    "tasks/test_splits_stay.py",
    "test_benchmark.py",
    "test_chaos.py",
    "test_determinism.py",
    "test_fuzz.py",
    "test_gpu_check.py",
    "test_many_machines.py",
    "test_notebook.py",
    "test_packaging.py",
    "test_pages.py",
    "test_peers.py",
    "test_pick_torch.py",
    "test_plug_in_docs.py",
    "test_reproduce.py",
    "test_scenarios.py",
    "test_scripts.py",
    "test_strangers_files.py",
    "test_studies.py",
    "trackers",
)
"""Modules, and folders with all that is in them; beside this file."""

FAST = "not slow"
"""What pytest's -m is given by a fast run."""

LONGEST = 5.0
"""Seconds that the tests of a module may take together before they are named as too slow."""


def is_slow(module: Path) -> bool:
    """Whether a module or folder of tests is on the list, itself or by a folder above it."""
    return any(TESTS / name in (module, *module.parents) for name in SLOW)


def mark(items: list[pytest.Item]) -> None:
    """Mark the tests of the modules that are on the list."""
    for item in items:
        if is_slow(item.path):
            item.add_marker("slow")


def too_slow(reports: list[pytest.TestReport]) -> list[str]:
    """Say which modules took longer than the tests left in a fast run may."""
    seconds: dict[str, float] = defaultdict(float)
    for report in reports:
        seconds[report.nodeid.partition("::")[0]] += report.duration
    return [
        f"{module} took {took:.1f} s: make it faster, or name it in tests/slow_tests.py"
        for module, took in sorted(seconds.items())
        if took > LONGEST
    ]
