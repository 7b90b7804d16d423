"""Engines: the same features, each its own bytes, and graphs that are kept."""

import logging
from dataclasses import replace

import pytest
import torch

from mlff_cli.backbones.engines import ONNX, OPENVINO, PLAIN, TORCH
from mlff_cli.backbones.timm import Timm
from mlff_cli.data.surfaces import Surfaces
from mlff_cli.errors import UserError
from mlff_cli.features import graphs
from mlff_cli.features.columns import everything
from mlff_cli.features.features import Features
from mlff_cli.features.pooling import CELLS, LevelInput, standard_inputs
from mlff_cli.features.store.disk import FeatureSpace, FeatureStore
from mlff_cli.features.store.memory import MemoryStore
from mlff_cli.system import onnx_runtime, onnx_writing
from mlff_cli.system.device import Device, limited_threads

DEVICE = Device.choose(device="cpu", precision="fp32", workers=0, batch_size=4)
LEVELS = ["layer1", "layer4"]
PLACES = [LevelInput("layer1", "grid"), LevelInput("layer1", "map"),
          *(LevelInput("layer1", f"cell{side}_max") for side in CELLS)]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the graphs of these tests are kept."""
    return tmp_path_factory.mktemp("graphs")


MADE = {}
"""Graphs that were made here, by the names of their outputs."""

GRAPH_OF = graphs.graph_of


@pytest.fixture(autouse=True)
def made_once(monkeypatch):
    """Lets the same graph be made once for all tests: that takes seconds."""

    def graph_of(backbone, inputs, engine):
        names = tuple(item.name for item in inputs)
        if names not in MADE:
            MADE[names] = GRAPH_OF(backbone, inputs, engine)
        return MADE[names]

    monkeypatch.setattr(graphs, "graph_of", graph_of)


@pytest.fixture
def images():
    return [record.image for record in Surfaces(image_size=32, images_per_class=2).records()[:6]]


def features(weights_of, engine, folder, store=None):
    weights = str(weights_of("test_resnet"))
    recipe = Timm(image_size=48, model="test_resnet", weights=weights, levels=LEVELS, engine=engine)
    return Features(recipe, store or MemoryStore(), DEVICE, graphs=folder)


def read(made, images, inputs):
    return made.read(images, inputs)[:]


@pytest.mark.parametrize("engine", [TORCH, ONNX, OPENVINO])
def test_features_are_those_of_the_plain_network(engine, weights_of, folder, images):
    inputs = [LevelInput("layer4", "mean"), *PLACES]
    plain = read(features(weights_of, PLAIN, folder), images, inputs)
    made = features(weights_of, engine, folder)
    for item, one, other in zip(inputs, read(made, images, inputs), plain, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype, item
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3, msg=item.name)


@pytest.mark.parametrize("engine", [TORCH, ONNX, OPENVINO])
def test_stored_and_live_features_are_the_same_numbers(engine, weights_of, folder, images):
    inputs = [LevelInput("layer1", "max"), LevelInput("layer4", "deviation")]
    stored = read(features(weights_of, engine, folder), images, inputs)
    live = features(weights_of, engine, folder).live(images, inputs, lambda batch: batch, seed=1)
    for one, other in zip(stored, live[:], strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("engine", [ONNX, OPENVINO])
def test_the_features_of_an_image_depend_on_nothing_else(engine, weights_of, folder, images):
    inputs = [LevelInput("layer4", "range")]
    (together,) = read(features(weights_of, engine, folder), images, inputs)
    (alone,) = read(features(weights_of, engine, folder), images[3:4], inputs)
    assert torch.equal(together[3:4], alone)


def test_engines_share_no_features(weights_of, tmp_path, folder, images, monkeypatch):
    inputs = [LevelInput("layer4", "mean")]

    def stored(engine):
        recipe = features(weights_of, engine, folder).recipe
        space = FeatureSpace(recipe.feature_fingerprint, recipe.preprocessing)
        return features(weights_of, engine, folder, FeatureStore(tmp_path, space, dtype="float32"))

    for engine in (PLAIN, TORCH, OPENVINO, ONNX):
        made = stored(engine)
        read(made, images, inputs)
        assert made.extracted == len(images), engine
        again = stored(engine)
        read(again, images, inputs)
        assert again.extracted == 0, engine
    monkeypatch.setattr("mlff_cli.backbones.recipe.runtime_version", lambda: "0.0")
    other = stored(ONNX)
    read(other, images, inputs)
    assert other.extracted == len(images)
    assert other.recipe.fingerprint == made.recipe.fingerprint, "adapters fit any version"


def test_a_kept_graph_needs_no_network(weights_of, tmp_path, images, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    inputs = [LevelInput("layer4", "mean")]
    first = read(features(weights_of, ONNX, tmp_path), images, inputs)
    assert "written as a graph" in caplog.text
    (file,) = tmp_path.glob("*.onnx")
    written = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(graphs, "graph_of", lambda *_: pytest.fail("it is made again"))
        patch.setattr(Timm, "build", lambda _: pytest.fail("the network is built"))
        again = read(features(weights_of, ONNX, tmp_path), images, inputs)
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    for damaged in (written[:-7], b"", written[:99] + b"?" + written[100:]):
        caplog.clear()
        file.write_bytes(damaged)
        again = read(features(weights_of, ONNX, tmp_path), images, inputs)
        assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
        assert graphs.is_sealed(file.read_bytes())
        assert ("is damaged" in caplog.text) == bool(damaged)


def test_a_folder_that_cannot_be_written_costs_time_alone(weights_of, tmp_path, images, caplog):
    (tmp_path / "file").write_text("in the way")
    made = features(weights_of, ONNX, tmp_path / "file")
    (column,) = read(made, images, [LevelInput("layer4", "mean")])
    assert len(column) == len(images)
    assert "made again next time" in caplog.text


def test_without_the_package_one_learns_what_to_install(weights_of, tmp_path, monkeypatch, images):
    def missing(name, extra):
        raise UserError(f"the package {name} is needed; install 'mlff[{extra}]'")

    made = features(weights_of, ONNX, tmp_path)
    monkeypatch.setattr(onnx_runtime, "extra_module", missing)
    monkeypatch.setattr(onnx_writing, "extra_module", missing)
    with pytest.raises(UserError, match=r"install 'mlff\[export\]'"):
        read(made, images, [LevelInput("layer4", "mean")])


def test_a_graph_that_says_something_else_is_refused(weights_of, tmp_path, images, monkeypatch):
    written = graphs.onnx_graph

    def wrong(module, *given, **names):
        module.backbone.preprocessing = replace(module.backbone.preprocessing, std=(1.0, 1.0, 1.0))
        return written(module, *given, **names)

    made = features(weights_of, ONNX, tmp_path)
    monkeypatch.setattr(graphs, "graph_of", GRAPH_OF)
    monkeypatch.setattr(graphs, "onnx_graph", wrong)
    with pytest.raises(UserError, match=r"comes out otherwise.*backbone\.engine=torch"):
        read(made, images, [LevelInput("layer4", "mean")])
    assert not list(tmp_path.glob("*.onnx"))


def test_as_many_images_as_several_batches_are_computed_on_threads_to_the_same_bytes(
    weights_of, folder, images
):
    inputs = standard_inputs(features(weights_of, ONNX, folder).levels)
    found = []
    for threads in (1, 2):
        with limited_threads(threads):
            found.append(features(weights_of, ONNX, folder).read([*images, *images], inputs))
    one, two = (torch.cat([c.flatten(1) for c in next(iter(everything(f)))], 1) for f in found)
    assert torch.equal(one, two)
