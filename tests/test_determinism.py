"""The same config gives the same matrix, byte for byte."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from configs_for_tests import learned, matrix_bytes, small_config, tiny_backbone

PROGRAM = """
import json, sys
from pathlib import Path
from configs_for_tests import learned
config = json.loads(sys.argv[1])
_, outcome = learned(config, Path(sys.argv[2]) / "state")
outcome.matrix.to_csv(Path(sys.argv[2]) / "matrix.csv")
"""


def in_a_fresh_process(config, folder):
    folder.mkdir()
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parent),
        "PYTHONHASHSEED": "random",
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(config), str(folder)]
    subprocess.run(command, check=True, env=environment)
    return (folder / "matrix.csv").read_bytes()


def config_in(folder, weights_of, **choices):
    keys = tiny_backbone(weights_of) | choices.pop("keys", {})
    return small_config(folder, backbone="timm", keys=keys, **choices)


@pytest.mark.parametrize("method", ["mlff", "linear_probe", "joint", "finetune"])
def test_the_same_config_twice_with_fresh_stores(method, tmp_path, weights_of):
    results = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        config = config_in(tmp_path / name, weights_of, method=method)
        results.append(matrix_bytes(learned(config, tmp_path / name)[1], tmp_path / name))
    assert results[0] == results[1]


def test_the_same_config_in_a_fresh_process(tmp_path, weights_of):
    """Fine-tuning draws everything that can be drawn: weights, order, variations, dropout."""
    config = config_in(
        tmp_path, weights_of, method="finetune", fusion="conv1x1", keys={"method.dropout": 0.5}
    )
    here = matrix_bytes(learned(config, tmp_path)[1], tmp_path)
    assert in_a_fresh_process(config, tmp_path / "there") == here


def test_workers_and_checkpoints_change_nothing(tmp_path, weights_of):
    results = []
    for workers, every in ((0, 0), (1, 1)):
        folder = tmp_path / str(workers)
        folder.mkdir()
        keys = {"trainer.workers": workers, "trainer.checkpoint_every": every}
        config = config_in(folder, weights_of, method="finetune", keys=keys)
        _, outcome = learned(config, folder, checkpoint_every=every)
        results.append(matrix_bytes(outcome, folder))
    assert results[0] == results[1]


def test_another_seed_gives_another_matrix(tmp_path, weights_of):
    results = set()
    for seed in range(2):
        config = config_in(tmp_path, weights_of, keys={"seed": seed})
        _, outcome = learned(config, tmp_path / str(seed))
        scores = outcome.matrix.array("mAP")
        results.add(str(scores.tolist()))
    assert len(results) == 2
