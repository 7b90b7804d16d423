"""Images to a GPU and features back, on a device that torch only pretends to have."""

from functools import partial

import pytest
import torch
from card import OnCard, WrongDeviceError, card
from torch._subclasses.fake_tensor import FakeTensorMode

from mlff_cli.backbones.levels import LevelInfo, Preprocessing
from mlff_cli.backbones.network import Backbone
from mlff_cli.features import extraction
from mlff_cli.features.engine import TorchEngine
from mlff_cli.features.pooling import POOLINGS, LevelInput
from mlff_cli.features.transfer import OverlappedTransfer, Transfer, transfer_for
from mlff_cli.images.variations import varied
from mlff_cli.system.device import Device

GPU = torch.device("cuda:0")
INPUTS = [LevelInput("level", name) for name in POOLINGS]


class Streams:
    """Takes down what is asked of torch's streams, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[str] = []
        self.names = iter(["going", "coming"])
        self.computing = Stream("computing", self.said)
        monkeypatch.setattr(
            torch.cuda, "Stream", lambda device: Stream(next(self.names), self.said)
        )
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: self.computing)
        monkeypatch.setattr(torch.cuda, "stream", lambda stream: stream)
        monkeypatch.setattr(
            torch.Tensor, "record_stream",
            lambda tensor, stream: self.said.append(f"kept for {stream.name}"),
        )  # fmt: skip
        empty = torch.empty

        def unpinned(*size: object, pin_memory: bool = False, **keys: object) -> torch.Tensor:
            return empty(*size, **keys)

        monkeypatch.setattr(torch, "empty", unpinned)


class Stream:
    def __init__(self, name: str, said: list[str]) -> None:
        self.name, self.said = name, said

    def wait_stream(self, other: "Stream") -> None:
        self.said.append(f"{self.name} waits for {other.name}")

    def record_event(self) -> "Stream":
        return self

    def synchronize(self) -> None:
        self.said.append(f"host waits for {self.name}")

    def __enter__(self) -> None:
        self.said.append(f"on {self.name}:")

    def __exit__(self, *_: object) -> None:
        self.said.append("end")


@pytest.fixture
def streams(monkeypatch):
    return Streams(monkeypatch)


class Convolution(torch.nn.Module):
    """One level of a network, its kernel on a device."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.kernel = torch.nn.Parameter(torch.ones(5, 3, 3, 3, device=device), False)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [torch.nn.functional.conv2d(images, self.kernel, stride=2)]


def backbone(device: torch.device) -> Backbone:
    preprocessing = Preprocessing(32, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    return Backbone(Convolution(device), [LevelInfo("level", 5, 2)], preprocessing)


def test_only_a_gpu_has_streams(streams):
    assert type(transfer_for(torch.device("cpu"))) is Transfer
    assert type(transfer_for(torch.device("mps"))) is Transfer
    assert isinstance(transfer_for(GPU), OverlappedTransfer)


def test_the_pass_of_a_batch_makes_nothing_on_the_wrong_device(streams):
    """Of a batch that is filled up: 3 of 4 images, varied, in every pooling."""
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(256, (3, 3, 32, 32), generator=draw, dtype=torch.uint8)

    def passed(device: Device, transfer: Transfer) -> dict[str, torch.Tensor]:
        engine, vary = TorchEngine(backbone(device.device)), partial(varied, variation=7)
        arriving = extraction._arriving(
            engine, vary, 4, images, inputs=INPUTS, device=device, transfer=transfer
        )
        columns = arriving.wait()
        assert arriving.nbytes == sum(column.nbytes for column in columns.values())
        return columns

    with card(batch_size=4) as device:
        there = passed(device, OverlappedTransfer(device.device))
        with pytest.raises(WrongDeviceError):
            backbone(torch.device("cpu"))(torch.zeros(1, 3, 32, 32, device=device.device))
    here = passed(Device(torch.device("cpu"), None, 4, 0), Transfer(torch.device("cpu")))
    assert list(there) == [item.name for item in INPUTS]
    for name, column in there.items():
        assert not isinstance(column, OnCard) and column.dtype == torch.float32
        assert torch.equal(column, here[name])


def test_copies_wait_for_what_they_need_and_the_host_for_nothing(streams):
    with FakeTensorMode():
        transfer = OverlappedTransfer(GPU)
        images = transfer.there(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))
        assert (images.device, images.dtype) == (GPU, torch.uint8)
        assert streams.said == [
            "on going:", "end", "computing waits for going", "kept for computing",
        ]  # fmt: skip
        streams.said.clear()
        arriving = transfer.back({"a": torch.zeros(2, 3, device=GPU)})
        assert streams.said == [
            "coming waits for computing",
            "on coming:",
            "end",
            "kept for coming",
        ]
        streams.said.clear()
        assert arriving.wait()["a"].device.type == "cpu"
        assert streams.said == ["host waits for coming"]


def test_columns_come_back_with_their_values_and_shapes(streams):
    maps = torch.arange(24.0).view(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    columns = {"a": maps, "b": torch.arange(4.0).view(2, 2)[:, 1:]}
    transfer = OverlappedTransfer(torch.device("cpu"))
    arrived = transfer.back(columns).wait()
    assert all(torch.equal(arrived[name], columns[name]) for name in columns)


def test_a_chunk_is_handed_on_while_the_next_one_is_computed(streams, monkeypatch):
    """On the processor stands in here what a GPU would do, stream by stream."""
    monkeypatch.setattr(extraction, "CHUNK", 4)
    monkeypatch.setattr(extraction, "transfer_for", OverlappedTransfer)
    draw = torch.Generator().manual_seed(0)
    batches = torch.randint(256, (5, 2, 3, 32, 32), generator=draw, dtype=torch.uint8)
    computed = []
    monkeypatch.setattr(
        extraction,
        "image_batches",
        lambda *_, **__: (computed.append(n) or b for n, b in enumerate(batches)),
    )
    device = Device(torch.device("cpu"), None, 2, 0)
    engine = TorchEngine(backbone(device.device))

    def extracted():
        return extraction.extract(engine, range(10), lambda images: images, INPUTS, device)

    chunks = []
    for positions, columns in extracted():
        chunks.append((positions, len(computed), columns))
    assert [(positions, done) for positions, done, _ in chunks] == [
        (range(4), 4), (range(4, 8), 5), (range(8, 10), 5),
    ]  # fmt: skip
    monkeypatch.setattr(extraction, "transfer_for", Transfer)
    for (_, _, there), (_, here) in zip(chunks, extracted(), strict=True):
        assert all(torch.equal(there[name], here[name]) for name in here)
