import pytest
import torch

from mlff_cli.backbones.timm import Timm
from mlff_cli.data.surfaces import Surfaces
from mlff_cli.features import extraction
from mlff_cli.features.engine import TorchEngine
from mlff_cli.features.pooling import LevelInput
from mlff_cli.system.device import Device

INPUTS = [LevelInput("layer4", "mean"), LevelInput("layer1", "max")]


@pytest.fixture(scope="module")
def backbone(weights_of):
    weights = str(weights_of("test_resnet"))
    return Timm(image_size=32, model="test_resnet", weights=weights, levels=[]).build()


@pytest.fixture(scope="module")
def images():
    records = Surfaces(image_size=32, images_per_class=2).records()[:11]
    return [record.image for record in records]


def cpu(batch_size=4, workers=0):
    return Device.choose(device="cpu", precision="fp32", workers=workers, batch_size=batch_size)


def extracted(backbone, images, device):
    engine = TorchEngine(backbone)
    chunks = list(extraction.extract(engine, images, lambda batch: batch, INPUTS, device))
    columns = {item.name: torch.cat([c[item.name] for _, c in chunks]) for item in INPUTS}
    return [positions for positions, _ in chunks], columns


def test_chunks_cover_every_image_once_in_order(backbone, images, monkeypatch):
    positions, whole = extracted(backbone, images, cpu())
    assert positions == [range(11)]
    assert {name: tuple(c.shape) for name, c in whole.items()} == {
        "layer4/mean": (11, 96), "layer1/max": (11, 32),
    }  # fmt: skip
    monkeypatch.setattr(extraction, "CHUNK", 5)
    positions, cut = extracted(backbone, images, cpu())
    assert positions == [range(8), range(8, 11)]
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_large_features_are_handed_on_before_they_fill_the_memory(backbone, images, monkeypatch):
    _, whole = extracted(backbone, images, cpu())
    monkeypatch.setattr(extraction, "CHUNK_BYTES", 4 * (96 + 32) * 4 + 1)
    positions, cut = extracted(backbone, images, cpu())
    assert positions == [range(8), range(8, 11)]
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_every_batch_has_the_same_size(backbone, images):
    sizes = []
    hook = backbone.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    _, columns = extracted(backbone, images, cpu(batch_size=4))
    hook.remove()
    assert sizes == [4, 4, 4]
    assert len(columns["layer4/mean"]) == 11


def test_decoding_in_other_processes_changes_nothing(backbone, images):
    _, here = extracted(backbone, images, cpu())
    _, there = extracted(backbone, images, cpu(workers=1))
    assert all(torch.equal(here[name], there[name]) for name in here)


def test_no_gradient_is_kept(backbone, images):
    _, columns = extracted(backbone, images[:2], cpu())
    assert not any(column.requires_grad for column in columns.values())
    assert not backbone.training
