"""Which engine a config means, and that a run says it."""

import json
import logging
from copy import deepcopy

import pytest
import yaml
from command_calls import TINY, call
from configs_for_tests import learned, small_config, tiny_backbone

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.config.identity import completed
from mlff_cli.config.shipped import choices, shipped
from mlff_cli.errors import UserError
from mlff_cli.features import graphs
from mlff_cli.methods.base import Method
from mlff_cli.runs import engine
from mlff_cli.runs.building import build_device, build_features
from mlff_cli.runs.engine import PROVEN, TRAIN_THE_BACKBONE, engine_of, with_engine
from mlff_cli.runs.identity import config_digest, run_path
from mlff_cli.runs.registry import class_of


@pytest.fixture
def onnxruntime(monkeypatch):
    """An installation that has ONNX Runtime, and a machine without a GPU."""
    monkeypatch.setattr(engine, "can_export_and_run", lambda: True)
    monkeypatch.setattr(engine, "default_device", lambda: "cpu")
    engine._tried.cache_clear()


@pytest.fixture(scope="module")
def lite0_graphs(tmp_path_factory):
    """Where two tests keep the same graph."""
    return tmp_path_factory.mktemp("graphs")


def config_of(folder, asked="auto", **keys):
    return small_config(folder, keys={"backbone.engine": asked, **keys})


def test_auto_is_onnx_runtime_on_a_processor_where_it_is(tmp_path, onnxruntime, monkeypatch):
    assert engine_of(config_of(tmp_path)) == "onnxruntime"
    assert engine_of(config_of(tmp_path, **{"trainer.device": "auto"})) == "onnxruntime"
    assert engine_of(config_of(tmp_path, **{"trainer.device": "cuda"})) == "torch"
    assert engine_of(config_of(tmp_path, **{"trainer.precision": "bf16"})) == "torch"
    monkeypatch.setattr(engine, "can_export_and_run", lambda: False)
    assert engine_of(config_of(tmp_path)) == "torch"


@pytest.mark.parametrize("asked", ["torch", "onnxruntime", "plain"])
def test_what_is_asked_for_is_taken(tmp_path, asked, onnxruntime):
    assert engine_of(config_of(tmp_path, asked)) == asked


def test_auto_and_what_it_means_are_the_same_run(tmp_path, onnxruntime):
    auto = config_of(tmp_path)
    named = with_engine(auto)
    assert named["backbone"]["engine"] == "onnxruntime"
    assert auto["backbone"]["engine"] == "auto", "the given config stays"
    assert run_path(auto, "d" * 64) == run_path(named, "d" * 64)
    digests = {config_digest(config_of(tmp_path, e)) for e in ("torch", "onnxruntime", "plain")}
    assert len(digests) == 3


def test_runs_of_before_are_plain_and_found_again(tmp_path):
    plain = config_of(tmp_path, "plain")
    old = deepcopy(plain)
    del old["backbone"]["engine"]
    assert config_digest(old) == config_digest(plain)
    whole = completed(old)
    assert whole["backbone"]["engine"] == "plain"
    device = build_device(plain)
    prints = {build_features(c, device).recipe.fingerprint for c in (old, whole, plain)}
    assert len(prints) == 1
    assert build_features(config_of(tmp_path, "torch"), device).recipe.fingerprint not in prints


def test_methods_that_train_the_backbone_keep_it_plain(tmp_path, onnxruntime):
    names = {shipped(f"method/{choice}")["name"] for choice in choices("method")}
    learning = {name for name in names if not class_of("methods", name, Method).reads_features}
    assert learning == set(TRAIN_THE_BACKBONE)
    for asked in ("auto", "onnxruntime", "torch"):
        config = small_config(tmp_path, method="finetune", keys={"backbone.engine": asked})
        assert engine_of(config) == "plain"
        assert build_features(config, build_device(config)).recipe.engine == "plain"


def test_shipped_backbones_are_proven_or_tried():
    assert set(choices("backbone")) - set(PROVEN) == {"timm"}
    assert all(class_of("backbones", name, BackboneRecipe).model for name in PROVEN)


@pytest.mark.parametrize(
    ("name", "deepest"),
    [
        # One of each kind: the deeper ones are made of the same blocks, and take a minute.
        ("dinov2_small", "blocks.11"),
        ("mobilenet_v2", "blocks.6"),
        ("resnet18", "layer4"),
    ],
)
def test_proven_backbones_can_be_written_as_graphs(name, deepest, tmp_path, weights_of):
    model = class_of("backbones", name, BackboneRecipe).model
    keys = {"backbone.weights": str(weights_of(model)), "backbone.engine": "onnxruntime"}
    keys |= {"backbone.levels": [deepest], "data.image_size": 42}
    config = small_config(tmp_path, backbone=name, keys=keys)
    made = build_features(config, build_device(config))
    assert made._engine([]) is not None
    assert list((tmp_path / "graphs").glob("*.onnx"))


def timm(folder, weights_of, asked="auto"):
    keys = {**tiny_backbone(weights_of), "backbone.engine": asked}
    return small_config(folder, backbone="timm", keys=keys)


def test_a_timm_backbone_is_tried_once(tmp_path, weights_of, onnxruntime, monkeypatch):
    config = timm(tmp_path, weights_of)
    assert engine_of(config) == "onnxruntime"
    (said,) = (tmp_path / "graphs").glob("*.json")
    assert json.loads(said.read_text())["no_graph"] is None
    monkeypatch.setattr(graphs, "graph_of", lambda *_: pytest.fail("it is made again"))
    monkeypatch.setattr(engine, "_trial", lambda *_: pytest.fail("it is tried again"))
    engine._tried.cache_clear()
    assert engine_of(config) == "onnxruntime"
    device = build_device(config)
    assert build_features(config, device)._engine([]) is not None, "the trial's graph is used"


@pytest.mark.parametrize("asked", ["auto", "onnxruntime"])
@pytest.mark.usefixtures("onnxruntime")
def test_one_that_cannot_be_exported_falls_back_to_torch_and_says_so(
    asked, tmp_path, weights_of, monkeypatch, caplog
):
    def fail(*_, **__):
        raise RuntimeError("no operator 'odd'\nand a long trace")

    monkeypatch.setattr(graphs, "onnx_graph", fail)
    config = timm(tmp_path, weights_of, asked)
    assert with_engine(config)["backbone"]["engine"] == "torch"
    assert run_path(config, "d" * 64) == run_path(timm(tmp_path, weights_of, "torch"), "d" * 64)
    assert build_features(config, build_device(config)).recipe.engine == "torch"
    monkeypatch.setattr(graphs, "onnx_graph", lambda *_, **__: pytest.fail("it is tried again"))
    engine._tried.cache_clear()
    caplog.set_level(logging.INFO)
    from mlff_cli.runs.execution import _say_engine

    _say_engine(asked, with_engine(config))
    assert "features are computed by torch: " in caplog.text
    assert "no operator 'odd'" in caplog.text


def test_missing_weights_are_no_reason_to_fall_back(tmp_path, onnxruntime):
    keys = {"backbone.weights": str(tmp_path / "none"), "backbone.engine": "auto"}
    config = small_config(tmp_path, backbone="timm", keys=keys)
    with pytest.raises(UserError, match=r"backbone\.weights: there is no file"):
        engine_of(config)


def test_scores_through_every_engine_agree(tmp_path, lite0_graphs):
    values = {}
    for name in ("plain", "torch", "onnxruntime"):
        config = config_of(tmp_path, name, **{"data.images_per_class": 12, "method.epochs": 5})
        config["paths"]["graphs"] = str(lite0_graphs)
        _, outcome = learned(config, tmp_path / name)
        matrix = outcome.matrix
        scores = [matrix.score("mAP", step, place) for step in range(4) for place in range(3)]
        values[name] = [score.value for score in scores if score.scored]
    assert len(values["plain"]) >= 5
    for name in ("torch", "onnxruntime"):
        assert values[name] == pytest.approx(values["plain"], abs=1e-3), name


def test_a_run_says_its_engine_and_opens_again_with_it(
    tmp_path, onnxruntime, monkeypatch, lite0_graphs
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFF_CACHE", str(tmp_path / "cache"))
    words = [word for word in TINY if not word.startswith("backbone.engine")]
    words += ["trainer.device=cpu", f"paths.graphs={lite0_graphs}"]
    assert call("train", *words).code == 0
    (folder,) = (tmp_path / "runs" / "surface_defect").iterdir()
    saved = yaml.safe_load((folder / "config.yaml").read_text())
    assert saved["backbone"]["engine"] == "onnxruntime"
    assert "backbone.engine=onnxruntime" in (folder / "log.txt").read_text()
    env = json.loads((folder / "env.json").read_text())
    assert env["packages"]["onnxruntime"]
    again = call("train", *words)
    assert again.code == 0 and "finished before" in again.err + again.out
    monkeypatch.setattr(engine, "can_export_and_run", lambda: False)  # auto would be torch now
    verified = call("verify", f"run={folder}", f"paths.graphs={lite0_graphs}")
    assert verified.code == 0, verified.out + verified.err
