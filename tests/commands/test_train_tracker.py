"""mlff train tracker=...: the real TensorBoard, MLflow and W&B, all without a network."""

import csv
import json
import math
import struct
import sys
from collections import Counter
from pathlib import Path

import pytest
from command_calls import TINY, call, refusal

from mlff_cli.runs.checkpoints import Checkpoints

REASON = "the extra is not installed"


class BrokenOff(BaseException):
    """As sudden as a signal: no `except Exception` stops it."""


class TensorBoard:
    """Reads back what TensorBoard shows."""

    name = "tensorboard"

    def __init__(self, root):
        self.root = root
        self.files = sorted(root.rglob("events.*"))

    @property
    def names(self):
        return sorted({file.parent.relative_to(self.root).as_posix() for file in self.files})

    def read(self, kind):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        found = []
        for folder in sorted({file.parent for file in self.files}):
            events = EventAccumulator(str(folder), {kind: 0}, purge_orphaned_data=False)
            events.Reload()
            getter = getattr(events, kind.capitalize())
            found += [(key, event) for key in events.Tags()[kind] for event in getter(key)]
        return found

    @property
    def points(self):
        return [(key, event.step, event.value) for key, event in self.read("scalars")]

    @property
    def text(self):
        return "".join(e.tensor_proto.string_val[0].decode() for _, e in self.read("tensors"))

    @property
    def pictures(self):
        return {key: event.encoded_image_string for key, event in self.read("images")}

    @property
    def adapters(self):
        return None  # TensorBoard holds no files: the text says where they lie


class MLflow:
    """Reads back what MLflow shows."""

    name = "mlflow"

    def __init__(self, root):
        from mlflow import MlflowClient

        self.client = MlflowClient(f"sqlite:///{root.absolute() / 'mlflow.db'}")
        experiment = self.client.get_experiment_by_name("mlff")
        self.runs = self.client.search_runs([experiment.experiment_id])

    @property
    def names(self):
        return sorted(
            "/".join(filter(None, (run.data.tags.get("group"), run.info.run_name)))
            for run in self.runs
        )

    @property
    def points(self):
        return [
            (key, metric.step, metric.value)
            for run in self.runs
            for key in run.data.metrics
            for metric in self.client.get_metric_history(run.info.run_id, key)
        ]

    @property
    def text(self):
        (run,) = self.runs
        assert run.info.status == "FINISHED"
        return "\n".join(f"{key}: {value}" for key, value in run.data.params.items())

    def files(self, folder):
        (run,) = self.runs
        place = self.client.download_artifacts(run.info.run_id, folder)
        return {file.name: file.read_bytes() for file in Path(place).iterdir()}

    @property
    def pictures(self):
        return {Path(name).stem: content for name, content in self.files("pictures").items()}

    @property
    def adapters(self):
        return self.files("adapters")


def log_entries(content, header=7, block=32768):
    """Yield what the log of a .wandb file holds; it is LevelDB's, behind a header of its own."""
    assert content[:4] == b":W&B"
    place, entry = header, b""
    while place + 7 <= len(content):
        if block - place % block < 7:
            place += block - place % block
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        entry += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield entry
            entry = b""


class WandB:
    """Reads back what wandb sync would send."""

    name = "wandb"

    def __init__(self, root):
        self.root = root
        self.files = sorted(root.rglob("*.wandb"))

    def records(self):
        from wandb.proto.wandb_internal_pb2 import Record

        for file in self.files:
            for content in log_entries(file.read_bytes()):
                yield Record.FromString(content)

    @property
    def names(self):
        runs = [record.run for record in self.records() if record.HasField("run")]
        return sorted({"/".join(filter(None, (r.run_group, r.display_name))) for r in runs})

    @property
    def points(self):
        return [
            (item.key or "/".join(item.nested_key), record.history.step.num, value)
            for record in self.records()
            if record.HasField("history")
            for item in record.history.item
            if isinstance(value := json.loads(item.value_json), float)
            and not (item.key or item.nested_key[0]).startswith("_")
        ]

    @property
    def text(self):
        (config,) = [r.run.config for r in self.records() if r.HasField("run")][:1]
        return "\n".join(f"{update.key}: {update.value_json}" for update in config.update)

    @property
    def pictures(self):
        found = {}
        for file in self.root.rglob("media/images/*.png"):
            found["_".join(file.stem.split("_")[:-2])] = file.read_bytes()
        return found

    @property
    def adapters(self):
        (artifact,) = [r.artifact for r in self.records() if r.HasField("artifact")]
        return {e.path: Path(e.local_path).read_bytes() for e in artifact.manifest.contents}


@pytest.fixture(params=[TensorBoard, MLflow, WandB], ids=lambda kind: kind.name)
def kind(request):
    pytest.importorskip(request.param.name, reason=REASON)
    return request.param


@pytest.fixture(scope="module", autouse=True)
def a_database(tmp_path_factory):
    """An empty database, which takes seconds to make."""
    pytest.importorskip("mlflow", reason=REASON)
    from mlflow import MlflowClient

    root = tmp_path_factory.mktemp("mlflow")
    MlflowClient(f"sqlite:///{root / 'mlflow.db'}").search_experiments()
    return root / "mlflow.db"


@pytest.fixture
def place(empty, a_database):
    """An empty folder for the trackers."""
    folder = empty / "told there"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(a_database.read_bytes())
    return folder


def train(kind, place, *words):
    return call("train", *TINY, f"tracker={kind.name}", f"tracker.folder={place}", *words)


def run_in(folder):
    (found,) = (path.parent for path in folder.glob("runs/surface_defect/*/config.yaml"))
    return found


def scores_of(run):
    """Return every score of matrix.csv as a tracker names it."""
    with (run / "matrix.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["value"]]
    return sorted(
        (
            f"{row['metric']}/{row['experience_scored']} {row['name_scored']}",
            int(row["experience_trained"]),
            pytest.approx(float(row["value"]), abs=1e-6),  # TensorBoard has 32 bits
        )
        for row in rows
    )


def told(tracker):
    return sorted(point for point in tracker.points if not point[0].startswith("figures/"))


def test_scores_config_picture_and_adapters_are_told_and_change_nothing(
    kind, empty, run_folder, a_database
):
    place = empty / "runs" / kind.name
    place.mkdir(parents=True)
    (place / "mlflow.db").write_bytes(a_database.read_bytes())
    result = call("train", *TINY, f"tracker={kind.name}", pictures=True)
    assert result.code == 0 and "failed" not in result.out + result.err
    assert not [line for line in result.err.splitlines() if not line.strip().startswith("wandb:")]
    run = run_in(empty)
    assert run.name == run_folder.name
    for name in ("matrix.csv", "predictions.csv", "adapters/adapters.json"):
        assert (run / name).read_bytes() == (run_folder / name).read_bytes(), name
    tracker = kind(place)
    assert tracker.names == [f"surface_defect/{run.name}"]
    assert told(tracker) == scores_of(run)
    assert "images_per_class" in tracker.text
    for metric in ("accuracy", "mAP"):
        name = f"matrix_{metric}"
        assert tracker.pictures[name] == (run / f"{name}.png").read_bytes()
    kept = tracker.adapters
    if kept is None:
        assert str((run / "adapters").absolute()) in tracker.text
    else:
        assert kept == {file.name: file.read_bytes() for file in (run / "adapters").iterdir()}
    listed = call("runs").out
    assert listed.count("finished") == 1 and "damaged" not in listed  # no file of a tracker is one


def test_a_run_that_was_broken_off_goes_on_in_the_same_one_and_writes_nothing_twice(
    kind, place, empty, monkeypatch
):
    saves = Counter()
    original = Checkpoints.save

    def breaking(self, progress):
        saves[progress.finished] += 1
        if saves[progress.finished] == 1 and progress.finished == 2:
            raise BrokenOff
        original(self, progress)
        if saves[progress.finished] == 1 and progress.finished == 3:
            raise BrokenOff

    monkeypatch.setattr(Checkpoints, "save", breaking)
    for _ in range(2):
        with pytest.raises(BrokenOff):
            train(kind, place)
    assert train(kind, place).code == 0
    tracker = kind(place)
    assert len(tracker.names) == 1
    assert told(tracker) == scores_of(run_in(empty))


def test_a_crash_of_the_tracker_is_one_warning_and_the_run_is_whole(
    kind, empty, run_folder, tmp_path
):
    broken = tmp_path / "no folder"
    broken.write_text("a file")
    result = train(kind, broken)
    assert result.code == 0
    said = [line for line in result.out.splitlines() if "the run goes on without" in line]
    assert len(said) == 1 and said[0].startswith(f"tracker={kind.name} failed")
    run = run_in(empty)
    assert (run / "matrix.csv").read_bytes() == (run_folder / "matrix.csv").read_bytes()
    assert (run / "DONE").is_file()


@pytest.mark.parametrize(
    ("name", "module"),
    [("tensorboard", "tensorboard.compat.proto.summary_pb2"), ("mlflow", "mlflow"),
     ("mlflow", "alembic"), ("wandb", "wandb")],
)  # fmt: skip
def test_a_package_that_is_missing_is_told_before_anything_trains(empty, monkeypatch, name, module):
    pytest.importorskip(name, reason=REASON)
    monkeypatch.setitem(sys.modules, module, None)
    assert f"pip install 'mlff[{name}]'" in refusal("train", *TINY, f"tracker={name}")
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("kind", [MLflow, WandB], indirect=True, ids=["mlflow", "wandb"])
def test_runs_of_a_sweep_are_grouped_by_its_name(kind, place, empty):
    words = (f"tracker={kind.name}", f"tracker.folder={place}", "seed=0,1", "trainer.processes=1")
    assert call("sweep", *TINY, *words).code == 0
    (sweep,) = (path.name for path in (empty / "runs" / "sweeps").iterdir())
    runs = sorted(path.name for path in (empty / "runs" / "surface_defect").iterdir())
    assert kind(place).names == [f"{sweep}/surface_defect/{run}" for run in runs]


def test_processes_of_a_sweep_share_one_new_database(empty):
    pytest.importorskip("mlflow", reason=REASON)
    words = ("tracker=mlflow", "tracker.group=mine", "seed=0,1", "trainer.processes=2")
    result = call("sweep", *TINY, *words)
    assert result.code == 0, result.err
    logs = [path.read_text() for path in empty.glob("runs/sweeps/*/jobs/*.log")]
    assert not any("failed" in log for log in logs), logs
    tracker = MLflow(empty / "runs" / "mlflow")
    assert len(tracker.runs) == 2
    assert all(name.startswith("mine/surface_defect/mlff-") for name in tracker.names)
    assert not any(math.isnan(value) for _, _, value in tracker.points)
