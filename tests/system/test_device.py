import os

import pytest
import torch

from mlff_cli.errors import UserError
from mlff_cli.system.device import Device


def choose(**keys):
    defaults = {"device": "auto", "precision": "auto", "workers": -1, "batch_size": 0}
    return Device.choose(**{**defaults, **keys})


@pytest.fixture
def accelerators(monkeypatch):
    """Says which accelerators are there, and whether the GPU knows bfloat16."""

    def there(cuda=False, mps=False, bf16=True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)

    return there


@pytest.mark.parametrize(
    ("there", "device", "precision"),
    [({}, "cpu", None), ({"mps": True}, "mps", None), ({"cuda": True}, "cuda", torch.bfloat16),
     ({"cuda": True, "mps": True}, "cuda", torch.bfloat16),
     ({"cuda": True, "bf16": False}, "cuda", None)],
)  # fmt: skip
def test_auto_takes_the_best_that_is_there(there, device, precision, accelerators):
    accelerators(**there)
    chosen = choose()
    assert chosen.device.type == device
    assert chosen.autocast_type == precision
    assert chosen.accelerated == (device != "cpu")
    assert chosen.batch_size == (256 if device == "cuda" else 16)
    assert chosen.workers >= 1


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_names_those_that_are(device, accelerators):
    accelerators()
    with pytest.raises(UserError, match=f"trainer.device: '{device}' is not there; usable .*cpu"):
        choose(device=device)


def test_it_seeds_as_torch_does_and_leaves_nothing_behind(monkeypatch):
    device = choose(device="cpu")
    torch.manual_seed(2**63 + 5)
    expected = torch.rand(3)
    waiting = len(torch.mtia._queued_calls)
    for _ in range(3):
        device.seed(2**63 + 5)
        assert torch.equal(torch.rand(3), expected)
    assert len(torch.mtia._queued_calls) == waiting
    seeds = []
    monkeypatch.setattr(torch.cuda, "manual_seed", seeds.append)
    Device(torch.device("cuda"), None, 1, 0).seed(7)
    assert seeds == [7]


def test_what_is_asked_for_is_taken():
    chosen = choose(device="cpu", precision="bf16", workers=0, batch_size=7)
    assert chosen == Device(torch.device("cpu"), torch.bfloat16, 7, 0)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux tells the cores it may use")
@pytest.mark.parametrize(
    ("cores", "on_cpu", "on_gpu"), [(1, 1, 1), (2, 1, 2), (8, 2, 8), (64, 2, 16)]
)
def test_workers_fit_the_cores_that_the_process_may_use(
    cores, on_cpu, on_gpu, monkeypatch, accelerators
):
    accelerators(cuda=True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)))
    assert choose(device="cpu").workers == on_cpu
    assert choose(device="cuda").workers == on_gpu


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_autocast_is_on_only_where_it_was_chosen(precision):
    rows = torch.rand(4, 4)
    with choose(device="cpu", precision=precision).autocast():
        product = rows @ rows
    assert product.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)


def test_in_words():
    assert str(choose(device="cpu", precision="fp32")) == "cpu, float32"
    assert str(choose(device="cpu", precision="bf16")) == "cpu, bfloat16"
