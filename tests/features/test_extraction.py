import threading

import pytest
import torch

from mlff_cli.backbones.timm import Timm
from mlff_cli.data.files import FileImage
from mlff_cli.data.surfaces import Surfaces
from mlff_cli.errors import UserError
from mlff_cli.features import extraction
from mlff_cli.features.engine import TorchEngine
from mlff_cli.features.pooling import LevelInput
from mlff_cli.system.device import Device, limited_threads

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


class OnSeveralThreads(TorchEngine):
    """As a graph of ONNX Runtime is used: each call computes on the thread that calls."""

    def __init__(self, backbone):
        super().__init__(backbone)
        self.callers = set()
        self.largest = 100

    def on_one_thread(self):
        return self

    def columns(self, images, inputs, device):
        self.callers.add(threading.current_thread())
        if len(images) > self.largest:
            raise MemoryError
        return super().columns(images, inputs, device)


@pytest.fixture
def three_threads():
    with limited_threads(3):
        yield


def drawn(batch):
    return batch + torch.randint(0, 9, batch.shape, dtype=torch.uint8)


@pytest.mark.parametrize("vary", [lambda batch: batch, drawn])
def test_threads_that_decode_and_compute_change_nothing(backbone, images, three_threads, vary):
    columns = []
    for engine in (TorchEngine(backbone), OnSeveralThreads(backbone)):
        torch.manual_seed(0)
        chunks = list(extraction.extract(engine, images, vary, INPUTS, cpu(batch_size=2)))
        assert [positions for positions, _ in chunks] == [range(11)]
        columns.append(chunks[0][1])
    assert threading.main_thread() not in engine.callers
    assert all(torch.equal(columns[0][item.name], columns[1][item.name]) for item in INPUTS)


def test_threads_compute_fewer_at_a_time_where_memory_runs_out(
    backbone, images, three_threads, caplog
):
    _, whole = extracted(backbone, images, cpu(batch_size=2))
    engine = OnSeveralThreads(backbone)
    engine.largest = 2
    ((_, columns),) = extraction.extract(engine, images, lambda b: b, INPUTS, cpu(batch_size=4))
    assert all(torch.allclose(whole[name], columns[name], atol=1e-5) for name in whole)
    assert "set trainer.batch_size=2" in caplog.text


def test_an_image_that_cannot_be_read_ends_the_threads(backbone, images, three_threads, tmp_path):
    broken = FileImage(tmp_path / "broken.png")
    broken.path.write_bytes(b"no image")
    engine = OnSeveralThreads(backbone)
    before = threading.active_count()
    with pytest.raises(UserError, match=r"broken\.png"):
        list(extraction.extract(engine, [*images, broken], lambda b: b, INPUTS, cpu(batch_size=2)))
    assert threading.active_count() == before


def test_no_gradient_is_kept(backbone, images):
    _, columns = extracted(backbone, images[:2], cpu())
    assert not any(column.requires_grad for column in columns.values())
    assert not backbone.training
