"""Adding a fusion layer that reads maps: one Python file, one YAML and one test.

`LocalMaximum` and its imports are what `mlff_cli/fusion/local_maximum.py` would hold, YAML what
`configs/fusion/local_maximum.yaml` would. What follows them is the test.
"""

import sys
from collections.abc import Iterable, Sequence

import pytest
import torch
import yaml
from configs_for_tests import learned, matrix_bytes, small_config, task_of, tiny_backbone
from torch import Tensor, nn
from torch.nn import functional as F

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features import columns
from mlff_cli.features.pooling import LevelInput
from mlff_cli.features.store.memory import MemoryRows
from mlff_cli.features.store.rows import StoredRows
from mlff_cli.fusion.base import FusionLayer, Standardisation, fit_together
from mlff_cli.methods import training_features
from mlff_cli.runs.building import build_method

YAML = """
# All levels at one place, combined there by a small network; the largest answer of all places.
name: local_maximum
# Channels of the descriptor.
width: 16
# Places along each side.
grid: 4
"""


class LocalMaximum(FusionLayer):
    """Sees where levels combine: levels on one grid, two 1x1 convolutions, then the maximum."""

    def __init__(self, levels: Sequence[LevelInfo], *, width: int, grid: int) -> None:
        super().__init__()
        self.inputs = tuple(LevelInput(level.name, "map") for level in levels)
        self.width = width
        self.grid = grid
        self.scalings = nn.ModuleList(Standardisation(level.channels) for level in levels)
        channels = sum(level.channels for level in levels)
        self.combine = nn.Sequential(
            nn.Conv2d(channels, width, 1), nn.GELU(), nn.Conv2d(width, width, 1)
        )

    def take_constants(self, batches: Iterable[Sequence[Tensor]]) -> None:
        fit_together(self.scalings, batches)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        scaled = [
            F.adaptive_max_pool2d(scaling(map_), self.grid)
            for scaling, map_ in zip(self.scalings, inputs, strict=True)
        ]
        return self.combine(torch.cat(scaled, dim=1)).amax(dim=(2, 3))


@pytest.fixture
def config(tmp_path, monkeypatch, weights_of):
    """Put the file and its YAML where `fusion=local_maximum` finds them."""
    monkeypatch.setitem(sys.modules, "mlff_cli.fusion.local_maximum", sys.modules[__name__])

    def make(**choices):
        keys = tiny_backbone(weights_of) | {"method.epochs": 3} | choices.pop("keys", {})
        made = small_config(tmp_path, backbone="timm", keys=keys, **choices)
        return {**made, "fusion": yaml.safe_load(YAML)}

    return make


@pytest.fixture
def taken(monkeypatch):
    """How many rows are read at a time, wherever they lie."""
    seen: list[int] = []
    for kind in (StoredRows, MemoryRows):
        original = kind.take

        def watched(self, positions, original=original):
            seen.append(len(positions))
            return original(self, positions)

        monkeypatch.setattr(kind, "take", watched)
    return seen


@pytest.mark.parametrize("method", ["mlff", "joint", "linear_probe", "finetune"])
def test_every_method_takes_it(method, config, tmp_path):
    trained, outcome = learned(config(method=method), tmp_path / "state")
    assert outcome.matrix.score("mAP", 3, 3).n == 5
    scalings = trained.adapters.fusion.scalings
    assert all(float(scaling.mean.abs().sum()) > 0 for scaling in scalings)


@pytest.mark.parametrize("store", [True, False], ids=["on disk", "in memory"])
def test_maps_that_do_not_fit_into_memory_are_read_batch_by_batch(
    store, config, tmp_path, monkeypatch, taken
):
    keys = {"features.variations": 2, "method.batch_size": 4, "method.epochs": 8}
    run = config(keys={"features.store": store, **keys})
    monkeypatch.setattr(columns, "ROWS_AT_ONCE", 3)
    _, outcome = learned(run, tmp_path / "resident")
    expected, read_once = matrix_bytes(outcome, tmp_path), sum(taken)
    taken.clear()
    monkeypatch.setattr(training_features, "RESIDENT_BYTES", 0)
    _, outcome = learned(run, tmp_path / "batches")
    assert matrix_bytes(outcome, tmp_path) == expected
    assert max(taken) <= 5, "a batch of 4, and an image that would be left alone"
    assert sum(taken) > 2 * read_once, "read again in every epoch"


def test_constants_are_those_of_every_place(config):
    run = config()
    method = build_method(run)
    (step, *_) = method.steps(task_of(run).experiences)
    maps = method.read([record.image for record in step.records("train")])
    assert maps.shapes[0][1:] == (16, 16)
    method.adapters.fusion.fit(maps.batches(3))
    shallow = maps[:][0].movedim(1, 3).flatten(0, 2)
    scaling = method.adapters.fusion.scalings[0]
    torch.testing.assert_close(scaling.mean, shallow.mean(0))
    torch.testing.assert_close(scaling.std, shallow.std(0, unbiased=False))
