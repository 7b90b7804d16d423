"""scripts/benchmark --peers: images and scores that all share, and what the page says."""

import csv
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlff_cli.metrics.mean_average_precision import mean_average_precision
from mlff_cli.runs.splits_file import SplitRow, written

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKING = ROOT / "scripts" / "benchmarking"
NAMES = tuple(path.stem for path in BENCHMARKING.glob("*.py") if path.stem != "__main__")


@pytest.fixture
def module_of(monkeypatch):
    """Import a module of the benchmark; they import each other by their bare names."""
    monkeypatch.syspath_prepend(str(BENCHMARKING))
    yield import_module
    for name in NAMES:
        sys.modules.pop(name, None)


def rows_of(*names):
    return written([SplitRow(n, "train", "bolt", "", "", "good", "", "0" * 64) for n in names])


def test_peers_read_the_images_of_the_run_and_its_splits(module_of, tmp_path):
    write_list = module_of("against_peers").write_list
    splits, listed = tmp_path / "splits.csv", tmp_path / "peers.csv"
    splits.write_text(rows_of("b/1.png", "ä, 2.png"))
    for _ in range(2):  # the second run has the same ones
        write_list(splits, Path("/images"), listed)
    with listed.open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert first == {
        "path": "/images/b/1.png", "split": "train", "product": "bolt", "label": "good"
    }  # fmt: skip
    assert second["path"] == "/images/ä, 2.png"
    splits.write_text(rows_of("b/1.png"))
    with pytest.raises(RuntimeError, match=r"splits\.csv: the images are not those"):
        write_list(splits, Path("/images"), listed)


def test_answers_of_peers_are_scored_as_those_of_mlff(module_of):
    draw = np.random.default_rng(0)
    scores = {pair: draw.random((6, 2), np.float32) for pair in ((1, 1), (2, 1), (2, 2))}
    targets = np.array([0, 1, 0, 1, 1, 0])
    answers = {f"scores/{trained}/{scored}": v for (trained, scored), v in scores.items()}
    answers |= {"targets/1": targets, "targets/2": targets, "learning": np.ones(2)}
    against_peers = module_of("against_peers")
    matrix = against_peers.matrix_of(answers)
    expected = {pair: mean_average_precision(v, targets) for pair, v in scores.items()}
    assert {p: matrix.score("mAP", *p).value for p in scores} == expected
    assert against_peers.figures_of(matrix) == pytest.approx(
        {
            "learning_map": 50 * (expected[1, 1] + expected[2, 2]),
            "final_map": 50 * (expected[2, 1] + expected[2, 2]),
            "forgetting": 100 * (expected[1, 1] - expected[2, 1]),
        }
    )


@pytest.mark.parametrize(
    "seconds, said", [(5, "reached: no"), (12, "yes, not the goal"), (20, "reached: yes")]
)
def test_the_page_compares_processes_that_ran_in_turn(module_of, tmp_path, seconds, said):
    page, cases, bench = (module_of(n) for n in ("peers_page", "peer_cases", "bench"))
    observations = [
        bench.Observation(12, name, repetition, quantity, value * slower)
        for name, value in ((cases.COLD, 1), (cases.NAIVE, seconds))
        for repetition, slower in enumerate((1, 3))  # the machine had other work
        for quantity, _ in page.COLUMNS.values()
    ]
    numbers, text = page.write_peers(tmp_path, observations, ["about"])
    assert len(numbers.read_text().splitlines()) == 1 + len(observations)
    assert f": {seconds}, by the processor's time {seconds} (at least 10, goal 20" in (
        text.read_text()
    )
    assert said in text.read_text()
    (row,) = [line for line in text.read_text().splitlines() if line.startswith("| avalanche")]
    assert row.endswith(f"| {seconds:.2f} | {seconds:.2f} |")


def test_a_missing_package_is_said_in_one_message(module_of, monkeypatch, capsys):
    against_peers = module_of("against_peers")
    monkeypatch.setattr(against_peers, "find_spec", lambda _: None)
    spec = spec_from_file_location("benchmark", BENCHMARKING / "__main__.py")
    program = module_from_spec(spec)
    spec.loader.exec_module(program)
    assert program.main(["--peers", "--quick"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "pip install" in error
    assert "[peers]" in error


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """Two products of two classes, told by how bright they are."""
    folder = tmp_path_factory.mktemp("images")
    draw = np.random.default_rng(0)
    rows = [("path", "split", "product", "label")]
    for product in ("bolt", "nut"):
        for number in range(16):
            label, low = (("good", 40), ("scratch", 160))[number % 2]
            path = folder / f"{product}{number}.png"
            pixels = draw.integers(low, low + 60, (40, 40, 3), np.uint8)
            Image.fromarray(pixels).save(path)
            split = ("train", "train", "test", "validation")[number // 2 % 4]
            rows.append((str(path), split, product, label))
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "list.csv"


def learned(program, how, listed, output):
    command = [sys.executable, BENCHMARKING / "peers" / program, how, listed]
    subprocess.run(
        [*command, "32", "3", "4", "0.01", "0.05", output],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    with np.load(output) as answers:
        return dict(answers)


def test_plain_pytorch_says_the_same_with_features_that_are_kept(listed, tmp_path):
    each, once = (
        learned("plain_pytorch.py", how, listed, tmp_path / f"{how}.npz")
        for how in ("every epoch", "once")
    )
    names = {f"scores/{trained}/{scored}" for trained, scored in ((1, 1), (2, 1), (2, 2))}
    assert {name for name in each if name.startswith("scores")} == names
    for name in names:
        assert each[name].shape == (4, 2)  # of 16 images a quarter is tested, none of validation
        assert each[name] == pytest.approx(once[name], abs=1e-4)
    assert mean_average_precision(each["scores/2/2"], each["targets/2"]) == 1
    assert len(each["learning"]) == len(each["scoring"]) == 2


@pytest.mark.skipif(find_spec("avalanche") is None, reason="needs the extra peers")
@pytest.mark.parametrize("how", ["naive", "replay"])
def test_avalanche_learns_the_same_sequence(listed, tmp_path, how):
    answers = learned("with_avalanche.py", how, listed, tmp_path / "answers.npz")
    assert answers["scores/1/1"].shape == answers["scores/2/1"].shape == (4, 2)
    assert mean_average_precision(answers["scores/2/2"], answers["targets/2"]) == 1
    if how == "naive":  # a head of its own does not change once it has learned
        assert answers["scores/2/1"] == pytest.approx(answers["scores/1/1"], abs=1e-6)
