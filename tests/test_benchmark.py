"""scripts/benchmark: what its numbers say, and all figures once in their smallest extent."""

import csv
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKING = Path(__file__).resolve().parents[1] / "scripts" / "benchmarking"
NAMES, STREAM, FIGURES = ("bench", "processes", "summary"), "stream", "figures"


@pytest.fixture
def modules(monkeypatch):
    """The benchmark's modules, which import each other by their bare names."""
    monkeypatch.syspath_prepend(str(BENCHMARKING))
    yield tuple(import_module(name) for name in NAMES)
    for name in NAMES:
        del sys.modules[name]


def taken(bench, figure, case, *seconds, quantity="seconds"):
    return [
        bench.Observation(figure, case, repetition, quantity, value)
        for repetition, value in enumerate(seconds)
    ]


def line_of(summary, observations, words):
    (line,) = [line for line in summary.lines(observations) if line.what == words]
    return line


def test_a_ratio_compares_what_ran_side_by_side(modules):
    bench, _, summary = modules
    # The machine was three times slower in the last repetition: medians of all would give 0.6.
    observations = taken(bench, 1, "floor", 10, 20, 60) + taken(bench, 2, "empty store", 5, 12, 30)
    line = line_of(summary, observations, "train, empty store / floor")
    assert (line.value, line.spread) == ("0.5", "0.50 to 0.60, 3 times")
    assert line.verdict == "goal"


@pytest.mark.parametrize(
    "seconds, verdict", [(7, "goal"), (7.1, "target"), (10, "target"), (10.1, "short")]
)
def test_a_verdict_tells_goal_from_target(modules, seconds, verdict):
    bench, _, summary = modules
    observations = taken(bench, 1, "floor", 10) + taken(bench, 2, "empty store", seconds)
    assert line_of(summary, observations, "train, empty store / floor").verdict == verdict


def test_fine_tuning_is_extrapolated_by_its_second_epoch_and_says_so(modules):
    bench, _, summary = modules
    observations = [
        *taken(bench, 2, "empty store", 10),
        *taken(bench, 4, "fine-tuning, E = 1", 40),
        *taken(bench, 4, "fine-tuning, E = 2", 75),
    ]
    ratio = line_of(
        summary, observations, "full fine-tuning, E = 20 (extrapolated) / train, empty store"
    )
    # 40 + 19 x 35 = 705 s
    assert (ratio.value, ratio.verdict) == ("70.5", "target")
    assert any("EXTRAPOLATED" in line.what for line in summary.lines(observations))


def test_slope_and_its_error_are_those_of_least_squares(modules):
    _, _, summary = modules
    scipy = pytest.importorskip("scipy.stats")
    values = [1.0, 1.3, 0.9, 1.6, 1.1, 1.7]
    expected = scipy.linregress(range(1, 7), values)
    assert summary.slope(values) == pytest.approx((expected.slope, expected.stderr))
    assert math.isnan(summary.slope([1.0, 2.0])[1])


@pytest.mark.parametrize("growth, verdict", [(0.0, "goal"), (0.05, "short")])
def test_growth_with_the_number_of_experiences_is_noticed(modules, growth, verdict):
    bench, _, summary = modules
    observations = taken(bench, 6, "20 experiences", 30)
    for number in range(1, 21):
        noise = 0.02 * (number % 3)
        observations += taken(
            bench, 6, f"experience {number}", 1 + noise + growth * number,
            quantity="learning_seconds",
        )  # fmt: skip
        observations += taken(bench, 6, f"experience {number}", 0.1, quantity="scoring_seconds")
        observations += taken(bench, 6, f"experience {number}", 0.2, quantity="keeping_seconds")
        observations += taken(bench, 6, f"experience {number}", 500, quantity="peak_memory_mib")
    (line,) = [line for line in summary.lines(observations) if line.what.startswith("features and")]
    assert line.verdict == verdict


def test_the_log_of_a_run_tells_when_experiences_ended(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKING))
    ended = import_module(FIGURES).ended
    log = """2026-11-26 23:59:59,900 12 images go through the backbone
2026-11-26 23:59:59,950 1/2 a: b: learned in 0.8 s, mAP 0.669
2026-11-27 00:00:01,450 2/2 c: learned in 0.8 s, mAP 0.669
2026-11-27 00:00:02,000 split: no near-duplicates
"""
    first, second = ended(log)
    assert second - first == pytest.approx(1.5)


class Engine:
    """Answers after so many milliseconds, one image after another."""

    def __init__(self, *milliseconds, problem=""):
        self.milliseconds = list(milliseconds)
        self.problem = problem
        self.asked = []

    def answers(self, paths):
        time.sleep(self.milliseconds.pop(0) / 1000)
        self.asked += paths
        return [SimpleNamespace(problem=self.problem) for _ in paths]


def test_images_are_timed_one_by_one_once_the_process_is_warm(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKING))
    stream = import_module(STREAM)
    engine = Engine(60, 5, 20)  # asleep, the processor has nothing to do
    paths = [Path(name) for name in "abc"]
    (first, worked), (second, _) = stream.milliseconds(engine, paths, warm_up=1)
    assert engine.asked == paths
    assert worked < first
    assert (first >= 5, second >= 20) == (True, True)
    with pytest.raises(RuntimeError, match="a: is damaged"):
        stream.milliseconds(Engine(0, problem="is damaged"), paths[:1], warm_up=1)
    del sys.modules[STREAM]


def test_a_slow_tail_and_growing_memory_are_noticed(modules):
    bench, _, summary = modules
    observations = []
    for quantity, value in (("p50", 11), ("p95", 15), ("p99", 30), ("p50_processor", 11)):
        observations += taken(bench, 9, "torch", value, quantity=quantity)
    for case, peak in (("1,000 images", 500.0), ("10,000 images", 600.0)):
        observations += taken(bench, 10, case, 100.0)
        observations += taken(bench, 10, case, peak, quantity="peak_memory_mib")
        observations += taken(bench, 10, case, 10.0, quantity="images_per_second")
    verdicts = {line.what: line.verdict for line in summary.lines(observations) if line.verdict}
    assert verdicts == {
        "predict, one image at a time, torch: p50": "goal",
        "predict, one image at a time, torch: p99 / p50": "short",
        "predict, peak memory of 10,000 images / 1,000 images": "short",
    }


def test_a_process_is_measured_from_start_to_exit(modules, tmp_path):
    _, processes, _ = modules
    code = "import time; b = bytearray(80_000_000); time.sleep(0.8); print('done')"
    took = processes.measured([sys.executable, "-c", code], tmp_path, {}, sampled=True)
    assert 0.8 < took.seconds < 20
    assert took.cpu_seconds < took.seconds
    assert took.peak_memory_mib > 76
    assert took.together_mib >= took.peak_memory_mib or math.isnan(took.together_mib)


def test_a_line_ends_the_measurement_and_the_process(modules, tmp_path):
    _, processes, _ = modules
    code = "import time; print('first', flush=True); time.sleep(60)"
    took = processes.measured([sys.executable, "-c", code], tmp_path, {}, until="first")
    assert took.seconds < 20


@pytest.mark.parametrize(
    "code, options",
    [("raise SystemExit(3)", {}), ("pass", {"expected": 2}), ("print('no')", {"until": "first"})],
)
def test_a_process_that_ends_otherwise_is_an_error(modules, tmp_path, code, options):
    _, processes, _ = modules
    with pytest.raises(RuntimeError, match="exit code"):
        processes.measured([sys.executable, "-c", code], tmp_path, {}, **options)


def test_every_figure_is_taken_and_written(tmp_path):
    before = set(Path(tempfile.gettempdir()).glob("mlff-benchmark-*"))
    # Two at once: nearly all of their time is the start of processes, one after another.
    halves = {only: tmp_path / only for only in ("1,2,3,4,8", "5,6,7,9,10")}
    running = [
        subprocess.Popen(
            [sys.executable, BENCHMARKING, "--quick", "--data", "surfaces", "--only", only,
             "--output", output],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for only, output in halves.items()
    ]  # fmt: skip
    for process in running:
        said, _ = process.communicate()
        assert process.returncode == 0, said
    rows, table = [], ""
    for output in halves.values():
        with (output / "benchmark.csv").open(newline="") as file:
            rows += csv.DictReader(file)
        table += (output / "benchmark.md").read_text()
    assert {row["figure"] for row in rows} == set(map(str, range(1, 11)))
    assert all(math.isfinite(float(row["value"])) for row in rows if row["quantity"] == "seconds")
    cases = Counter(row["case"] for row in rows if row["quantity"] == "learning_seconds")
    assert cases == {f"experience {number}": 1 for number in range(1, 5)}
    for words in ("train, empty store / floor", "EXTRAPOLATED", "bytes an image", "mlff --help",
                  "torch: p99", "peak memory of 12 images / 6 images"):  # fmt: skip
        assert words in table
    assert {path.name for path in tmp_path.iterdir()} == set(halves)
    left = set(Path(tempfile.gettempdir()).glob("mlff-benchmark-*")) - before
    assert left == set(), "stores and runs are removed"
