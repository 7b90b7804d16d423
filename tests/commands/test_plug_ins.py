"""Packages and files outside of mlff, from the first command to the last."""

import csv
import shutil
import sys
from pathlib import Path

import pytest
import torch
import yaml
from command_calls import call, imported, refusal, start
from outside_packages import install_example, write_files
from PIL import Image

from mlff_cli.methods.base import Method
from mlff_cli.metrics import registry
from mlff_cli.results.matrix_file import read_csv
from mlff_cli.runs.adapters_file import load_adapters
from mlff_cli.runs.registry import class_of

CODE = "mlff_nearest_class_mean"
NEEDS = "mlff-nearest-class-mean==1.0.0"
WORDS = ("task=striped_plates", "method=nearest_class_mean", "data.image_size=32",
         "data.images_per_class=20", "trainer.device=cpu")  # fmt: skip


@pytest.fixture
def bare(empty, monkeypatch):
    """An empty folder, in a process that has used no plug-in."""
    monkeypatch.setattr(registry, "_used", {})
    yield empty
    for name in [name for name in sys.modules if name.partition(".")[0] == CODE]:
        del sys.modules[name]


@pytest.fixture
def here(bare, example_package, monkeypatch):
    """An empty folder, the example's package installed."""
    monkeypatch.syspath_prepend(example_package)
    monkeypatch.setenv("PYTHONPATH", str(example_package), prepend=":")
    return bare


@pytest.fixture(scope="module")
def made(example_package, cache, tmp_path_factory):
    """A run that was made with all parts of the package."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(example_package)
        patch.setattr(registry, "_used", {})
        patch.chdir(folder)
        result = call("train", *WORDS, pictures=True)
    assert result.code == 0, result.err
    (run,) = folder.glob("runs/striped_plates/*")
    return run


@pytest.fixture
def run(made, here):
    """That run, which tests leave as they find it, where the package is installed."""
    return made


def without_the_package(monkeypatch, folder):
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(folder)])
    monkeypatch.setattr(registry, "_used", {})


def test_from_an_empty_folder_in_a_process_of_its_own(here):
    process = start("train", *WORDS, folder=here)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert "learning balanced accuracy" in out and "nearest_class_mean" in out
    assert imported("--help", folder=here)[1].isdisjoint({CODE})


def test_all_commands_know_the_run(run, here):
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["plug_ins"] == {
        "dataset/striped_plates": NEEDS,
        "metric/balanced_accuracy": NEEDS,
        "method/nearest_class_mean": NEEDS,
    }
    assert not any("Nearest" in text for text in map(str, config["method"].values()))
    matrix = read_csv(run / "matrix.csv")
    assert "balanced accuracy" in matrix.metrics
    assert (run / "matrix_balanced_accuracy.png").is_file()
    assert call("verify", str(run)).out.endswith(f"{run}: verified\n")
    assert "balanced accuracy" in call("evaluate", str(run)).out
    assert "balanced accuracy" in call("report", str(run), "output=again").out
    other = call("evaluate", str(run), "dataset=striped_plates", "data.images_per_class=24",
                 "score_trained_images=true")  # fmt: skip
    assert other.code == 0, other.err
    Image.new("RGB", (64, 64), "grey").save("new.png")
    answers = call("predict", str(run), "new.png", "product=fine")
    assert answers.code == 0 and "new.png" in answers.out, answers.err
    assert call("pack", str(run), "output=line.mlff").code == 0
    packed = call("predict", "line.mlff", "new.png", "product=fine")
    assert packed.code == 0 and "new.png" in packed.out
    assert "fine" in call("adapters", "list", str(run)).out
    again = call("train", *WORDS, f"paths.runs={run.parents[1]}")
    assert "finished before, not repeated" in again.out + again.err
    assert call("data", "check", *WORDS).out.count("fine")


def test_a_run_that_broke_off_is_resumed_to_the_same_bytes(run, here, monkeypatch):
    whole, place = class_of("methods", "nearest_class_mean", Method), "paths.runs=other"
    learn = whole.learn

    def breaking_off(self, step, journal):
        if step.index == 2:
            raise KeyboardInterrupt
        learn(self, step, journal)

    monkeypatch.setattr(whole, "learn", breaking_off)
    assert call("train", *WORDS, place).code == 130
    monkeypatch.setattr(whole, "learn", learn)
    result = call("train", *WORDS, place)
    assert result.code == 0 and "1/2" not in result.err, result.err
    (other,) = here.glob("other/striped_plates/*")
    assert other.name == run.name
    for name in ("matrix.csv", "predictions.csv", "adapters/adapters.safetensors"):
        if (run / name).is_file():
            assert (other / name).read_bytes() == (run / name).read_bytes()
    one, two = (load_adapters(folder / "adapters") for folder in (run, other))
    assert all(torch.equal(one.kept[name], two.kept[name]) for name in one.kept) and one.kept


def test_it_goes_on_with_further_products(run, here):
    (here / "images").mkdir()
    for label, grey in (("good", 90), ("scratch", 200)):
        (here / "images/cog" / label).mkdir(parents=True)
        for number in range(8):
            file = here / "images/cog" / label / f"{number}.png"
            Image.new("RGB", (32, 32), (grey + number, grey, grey)).save(file)
    result = call("train", f"from={run}", "dataset=folder", "data.root=images")
    assert result.code == 0, result.err
    (further,) = here.glob("runs/striped_plates/*")
    assert read_csv(further / "matrix.csv").experiences == ("fine", "coarse", "cog")


def test_where_experiences_share_a_head_means_are_over_all_of_a_class(here):
    words = (*WORDS, "dataset=surfaces_good_defect", "schedule=by_batch", "data.batches=2",
             "data.images_per_class=8")  # fmt: skip
    for order in ((), ("order=[batch_2,batch_1]",)):
        result = call("train", *words, *order)
        assert result.code == 0, result.err
    states = [load_adapters(run / "adapters") for run in here.glob("runs/striped_plates/*")]
    one, two = ({name: own for name, own in s.tensors.items() if "linear" in name} for s in states)
    assert len(one) == 2
    assert all(torch.allclose(one[name], two[name], atol=1e-4) for name in one)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("method.temprature=1",), "there is no key or group 'method.temprature'; did you mean"),
        (("method.temperature=0",), "method.temperature: expected a number"),
        (("head.hidden=4",), "method=nearest_class_mean needs head=classifier head.hidden=0"),
        (("head.metrics=[balanced_acuracy]",), "did you mean 'balanced_accuracy'"),
        (("data.images_per_class=1",), "data.images_per_class: expected at least 4"),
    ],
)
def test_mistakes_are_told_as_for_shipped_parts(here, words, said):
    result = call("train", *WORDS, *words)
    assert result.code == 2 and said in result.err, result.err
    assert not (here / "runs").exists()


def test_without_the_package_everything_says_what_is_needed(
    run, here, example_package, monkeypatch
):
    assert call("pack", str(run), "output=line.mlff").code == 0
    Image.new("RGB", (64, 64), "grey").save("new.png")
    without_the_package(monkeypatch, example_package)
    install = f"needs {NEEDS}, and it is not installed: pip install {NEEDS}"
    for words in (
        ("verify", str(run)),
        ("evaluate", str(run)),
        ("predict", str(run), "new.png"),
        ("predict", "line.mlff", "new.png"),
        ("report", str(run), "output=again"),
        ("train", f"from={run}", "dataset=folder", "data.root=images"),
    ):
        assert install in refusal(*words)
    listed = call("runs", f"paths.runs={run.parents[1]}").out
    assert "lacks a plug-in" in listed and "damaged" not in listed
    assert NEEDS in " ".join(listed.split())
    assert "there is no 'nearest_class_mean'" in refusal("train", "method=nearest_class_mean")


def test_another_version_trains_another_run_and_opens_none(
    run, here, example_package, tmp_path, monkeypatch
):
    newer = install_example(tmp_path / "newer", "1.1.0")
    without_the_package(monkeypatch, example_package)
    monkeypatch.syspath_prepend(newer)
    said = f"needs {NEEDS}, and mlff-nearest-class-mean==1.1.0 is installed: pip install {NEEDS}"
    assert said in refusal("verify", str(run))
    assert call("train", *WORDS).code == 0
    (other,) = here.glob("runs/striped_plates/*")
    assert other.name != run.name


def test_a_sweep_has_columns_of_the_metric(here):
    result = call("sweep", *WORDS, "seed=0,1", "trainer.processes=1")
    assert result.code == 0 and "final balanced accuracy" in result.out, result.err
    (table,) = here.glob("runs/sweeps/*/results.csv")
    with table.open() as file:
        (row,) = csv.DictReader(file)
    assert 0.5 < float(row["final balanced accuracy"]) <= 1
    assert row["seeds"] == "2"


# --- files of one's own ---

OWN = {
    "dataset/plain_noise.yaml": "# @package data\n# Noise.\nname: plain_noise\nimage_size: 32\n"
    "bright: 30  # 1 or more\nvariations: []\ngood: good\n",
    "dataset/plain_noise.py": '''
import hashlib
from dataclasses import dataclass

import numpy as np

from mlff_cli.data.base import Dataset
from mlff_cli.tasks.record import Record


@dataclass(frozen=True)
class Noise:
    seed: int
    level: int

    def identity(self):
        return hashlib.sha256(repr(self).encode()).hexdigest()

    def load(self):
        random = np.random.default_rng(self.seed)
        return random.integers(0, self.level, (32, 32, 3)).astype(np.uint8)


@dataclass(kw_only=True)
class PlainNoise(Dataset):
    image_size: int
    bright: int
    variations: list
    good: str

    def records(self):
        levels = {"good": 250 - self.bright, "dark": 60}
        return [
            Record(f"{p}-{label}-{n}", Noise(100 * ord(p) + n, level), (label,), product=p)
            for p in "ab" for label, level in levels.items() for n in range(12)
        ]
''',
    "backbone/small_net.yaml": "# Small.\nname: small_net\nweights: null\nlevels: []\n",
    "backbone/small_net.py": '''
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.errors import UserError


class SmallNet(BackboneRecipe):
    model = "test_efficientnet"

    def pretrained_file(self):
        raise UserError("give backbone.weights")
''',
    "fusion/half.yaml": "# Half.\nname: half\nfactor: 0.5  # above 0, below 1\n",
    "fusion/half.py": '''
from mlff_cli.fusion.deepest import DeepestLevel


class Half(DeepestLevel):
    def __init__(self, levels, *, factor):
        super().__init__(levels)
        self.factor = factor

    def forward(self, inputs):
        return self.factor * super().forward(inputs)
''',
    "head/sharp.yaml": "# Sharp.\ndefaults:\n  - classifier\n\nname: sharp\n"
    "metrics: [wrong_share]\n",
    "head/sharp.py": '''
from mlff_cli.heads.classifier import Classifier


class Sharp(Classifier):
    def scores(self, logits):
        return super().scores(2 * logits)
''',
    "metric/wrong_share.py": '''
from mlff_cli.metrics.metric import Metric


def wrong_share(scores, targets):
    return float((scores.argmax(axis=1) != targets).mean())


METRIC = Metric("wrong share", wrong_share, "share of wrong answers", "share", "down",
                {"final wrong share": "final average"})
''',
    "method/patient.yaml": "# Patient.\ndefaults:\n  - linear_probe\n\nname: patient\n",
    "method/patient.py": '''
from mlff_cli.methods.linear_probe import LinearProbe


class Patient(LinearProbe):
    pass
''',
}  # fmt: skip
"""A part of every kind."""

CHOSEN = ("task=custom", "dataset=plain_noise", "backbone=small_net", "fusion=half", "head=sharp",
          "method=patient", "method.epochs=3", "trainer.device=cpu", "trainer.workers=0",
          "trainer.batch_size=8")  # fmt: skip


@pytest.fixture
def own(tmp_path):
    return write_files(tmp_path / "my configs", OWN)


@pytest.fixture
def own_run(bare, own, weights_of):
    weights = f"backbone.weights={weights_of('test_efficientnet')}"
    result = call("train", *CHOSEN, weights, f"--config-dir={own}")
    assert result.code == 0, result.err
    assert "final wrong share" in result.out
    (folder,) = bare.glob("runs/custom/*")
    return folder


def test_a_folder_of_ones_own_may_hold_parts_of_every_kind(own_run, own):
    needed = yaml.safe_load((own_run / "config.yaml").read_text())["plug_ins"]
    assert sorted(needed) == sorted(name.removesuffix(".py") for name in OWN if name[-3:] == ".py")
    there = f"--config-dir={own}"
    assert call("verify", str(own_run), there).out.endswith("verified\n")
    Image.new("RGB", (32, 32), "grey").save("new.png")
    assert call("predict", str(own_run), "new.png", "product=a", there).code == 0
    assert call("pack", str(own_run), "output=line.mlff", there).code == 0
    weights = yaml.safe_load((own_run / "config.yaml").read_text())["backbone"]["weights"]
    packed = ("predict", "line.mlff", "new.png", "product=a", f"backbone.weights={weights}")
    assert call(*packed, there).code == 0
    assert "give its folder with --config-dir" in refusal(*packed)
    assert "wrong share" in call("report", str(own_run), "output=again", there).out


def test_a_run_never_loads_the_files_it_was_made_with(own_run, own, monkeypatch):
    monkeypatch.setattr(registry, "_used", {})
    shutil.copytree(own, own_run, dirs_exist_ok=True)
    monkeypatch.chdir(own_run)
    for words in (("verify", "."), ("evaluate", "."), ("predict", ".", "images.png")):
        assert "give its folder with --config-dir" in refusal(*words)
    assert "is not that file any more" in _after_a_change(own, own_run)


def _after_a_change(own, run):
    file = own / "method/patient.py"
    file.write_text(file.read_text() + "\n# changed\n")
    return refusal("verify", str(run), f"--config-dir={own}")


@pytest.mark.parametrize(
    "change",
    [
        {"method": {"_target_": "canary.Canary"}},
        {"method": {"name": "canary"}},
        {"method": {"name": "canary:Canary"}},
        {"method": {"name": "canary"}, "plug_ins": {"method/canary": "canary==1"}},
        {"method": {"name": "canary"}, "plug_ins": {"method/canary": "method/canary.py sha256:0"}},
        {"plug_ins": {"method/mlff": "canary==1"}},
        {"plug_ins": {"canary": "canary.Canary"}},
        {"plug_ins": ["canary"]},
        {"head": {"metrics": ["canary"]}},
    ],
)
def test_files_of_a_run_name_code_in_vain(run_folder, tmp_path, monkeypatch, change):
    run = tmp_path / "run"
    shutil.copytree(run_folder, run)
    canary = "from pathlib import Path\nPath(r'{}').touch()\nclass Canary: pass\n"
    for place in ("canary.py", "run/canary.py", "run/method/canary.py", "run/metric/canary.py"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(canary.format(tmp_path / "it sang"))
    (run / "method/canary.yaml").write_text("name: canary\n_target_: canary.Canary\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(run)
    config = yaml.safe_load((run / "config.yaml").read_text())
    for section, keys in change.items():
        config[section] = {**config.get(section, {}), **keys} if isinstance(keys, dict) else keys
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    for words in (("verify", str(run)), ("predict", str(run), "images.png")):
        result = call(*words)
        assert result.code == 2 or "differs" in result.out, result
    assert call("report", str(run), "output=again").code in (0, 2)
    assert not (tmp_path / "it sang").exists()


def test_a_column_of_an_unknown_metric_imports_only_metrics_that_are_registered(
    here, run_folder, tmp_path
):
    run = tmp_path / "run"
    shutil.copytree(run_folder, run)
    text = (run / "matrix.csv").read_text()
    (run / "matrix.csv").write_text(text.replace("mAP", f"{CODE}.metric"))
    assert "is unknown" in refusal("report", str(run), "output=again")
    assert f"{CODE}.dataset" not in sys.modules and f"{CODE}.method" not in sys.modules


def test_a_broken_part_is_told_once_where_it_is_chosen(bare, own):
    for name in ("method/patient.py", "metric/wrong_share.py"):
        Path(own / name).write_text("import nothing_there_at_all")
    there = f"--config-dir={own}"
    assert call("train", "--help", there).code == call("list", "method", there).code == 0
    tiny = ("data.image_size=32", "data.images_per_class=4", "method.epochs=1", there)
    assert call("train", *tiny).code == 0, "a shipped method in the same folder"
    for words in (("method=patient", *tiny), ("head.metrics=[wrong_share]", *tiny)):
        said = refusal("train", *words)
        assert "cannot be imported (ModuleNotFoundError: No module named 'nothing_there" in said
        assert "repair or update it" in said
