import pytest
import torch

from mlff_cli.backbones.timm import Timm
from mlff_cli.data.surfaces import Surfaces
from mlff_cli.features import extraction
from mlff_cli.features.pooling import LevelInput
from mlff_cli.system.device import Device

INPUTS = [LevelInput("layer4", "mean"), LevelInput("layer1", "max")]


@pytest.fixture(scope="module")
def backbone(weights_of):
    weights = str(weights_of("test_resnet"))
    return Timm(image_size=32, model="test_resnet", weights=weights, levels=[]).build()


@pytest.fixture(scope="module")
def records():
    return Surfaces(image_size=32, images_per_class=2).records()[:11]


def cpu(batch_size=4, workers=0):
    return Device.choose(device="cpu", precision="fp32", workers=workers, batch_size=batch_size)


def extracted(backbone, records, device):
    chunks = list(extraction.extract(backbone, records, lambda images: images, INPUTS, device))
    columns = {item.name: torch.cat([c[item.name] for _, c in chunks]) for item in INPUTS}
    return [positions for positions, _ in chunks], columns


def test_chunks_cover_every_image_once_in_order(backbone, records, monkeypatch):
    positions, whole = extracted(backbone, records, cpu())
    assert positions == [range(11)]
    assert {name: tuple(c.shape) for name, c in whole.items()} == {
        "layer4/mean": (11, 96), "layer1/max": (11, 32),
    }  # fmt: skip
    monkeypatch.setattr(extraction, "CHUNK", 5)
    positions, cut = extracted(backbone, records, cpu())
    assert positions == [range(8), range(8, 11)]
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_every_batch_has_the_same_size(backbone, records):
    sizes = []
    hook = backbone.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    _, columns = extracted(backbone, records, cpu(batch_size=4))
    hook.remove()
    assert sizes == [4, 4, 4]
    assert len(columns["layer4/mean"]) == 11


def test_decoding_in_other_processes_changes_nothing(backbone, records):
    _, here = extracted(backbone, records, cpu())
    _, there = extracted(backbone, records, cpu(workers=1))
    assert all(torch.equal(here[name], there[name]) for name in here)


def test_no_gradient_is_kept(backbone, records):
    _, columns = extracted(backbone, records[:2], cpu())
    assert not any(column.requires_grad for column in columns.values())
    assert not backbone.training
