"""scripts/backbone_table.py: the words of its sweeps, and its tables from figures of sweeps."""

import importlib.util
import math
from pathlib import Path

import pandas as pd
import pytest

from mlff_cli.config.shipped import choices

ROOT = Path(__file__).resolve().parents[1]
WORDS = ["method=mlff,linear_probe", "seed=0,1,2"]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "backbone_table", ROOT / "scripts" / "backbone_table.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(column, backbone, method, learning, *, unseen=None, spread=0.01, forgetting=None):
    return {"column": column, "backbone": backbone, "method": method, "learning mAP": learning,
            "learning mAP deviation": spread, "unseen mAP": unseen, "unseen mAP deviation": spread,
            "forgetting (mAP)": forgetting, "forgetting (mAP) deviation": spread,
            "trainable parameters": 74962.0, "saving (%)": 97.467}  # fmt: skip


def lines_of(script, rows, costs, missing=()):
    return script.text(pd.DataFrame(rows), pd.DataFrame(costs), missing, WORDS).splitlines()


COST = {"backbone": "mobilenet_v2", "parameters": 1811712, "engine": "onnxruntime",
        "milliseconds": 9.64, "bytes_per_image": 41234.4}  # fmt: skip


def test_a_line_has_what_is_learned_beside_the_deepest_level(script):
    rows = [
        row("real batches", "mobilenet_v2", "mlff", 0.8371, forgetting=0.0172),
        row("real batches", "mobilenet_v2", "linear_probe", 0.7963, forgetting=0.05),
        row("unseen mono cells", "mobilenet_v2", "mlff", 0.9, unseen=0.7415),
        row("unseen mono cells", "mobilenet_v2", "linear_probe", 0.9, unseen=0.7036),
    ]
    lines = lines_of(script, rows, [COST], ["resnet18"])
    assert "| backbone | real batches | unseen mono cells | forgetting |" in lines
    assert ("| mobilenet_v2 | 83.7 ± 1.0 (79.6 ± 1.0) | 74.2 ± 1.0 (70.4 ± 1.0) | 1.7 ± 1.0 |"
            in lines)  # fmt: skip
    assert "| mobilenet_v2 | 1,811,712 | 74,962 | 97.5 | onnxruntime | 9.6 | 41,234 |" in lines
    assert "Not here, weights missing: resnet18." in lines


def test_what_is_not_there_yet_stays_blank(script):
    one_seed = row("real products", "mobilenet_v2", "mlff", 0.8, spread=None)
    lines = lines_of(script, [one_seed], [COST | {"bytes_per_image": math.nan}])
    assert "| mobilenet_v2 | 80.0 () |  |" in lines
    assert "| mobilenet_v2 | 1,811,712 |  |  | onnxruntime | 9.6 |  |" in lines
    assert "Not here, weights missing: none." in lines


def test_words_replace_those_of_the_table(script):
    assert script.unchanged([]) == list(script.BASE)
    left = script.unchanged(["seed=0", "method.epochs=1"])
    assert left == [word for word in script.BASE if not word.startswith("seed=")]


def test_every_task_is_shipped_and_every_backbone_takes_the_size(script):
    assert set(script.TASKS.values()) <= set(choices("task"))
    assert {*script.UNSEEN, script.BATCHES} <= set(script.TASKS)
    (size,) = (word for word in script.BASE if word.startswith("data.image_size="))
    assert int(size.partition("=")[2]) % 14 == 0
