"""Tensors of bundles: how precisely they are kept, and that only sound ones are read."""

import hashlib
import os
import pickle
import struct

import pytest
import torch
from safetensors.torch import save

from mlff_cli.errors import UserError
from mlff_cli.heads.novelty import Novelty
from mlff_cli.runs.bundle.archive import Archive, sealed
from mlff_cli.runs.bundle.description import Member
from mlff_cli.runs.bundle.tensors import encoded_tensors, kept, novelty_of, read_tensors


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("weight", [True, False])
def test_what_half_precision_holds_is_kept_to_the_bit(precision, weight):
    whole = torch.tensor([1.0, -0.0, 0.25, 1024.0])
    held = kept(whole, precision, weight=weight)
    assert held.dtype == torch.float16
    assert torch.equal(held.float(), whole)


def test_weights_are_rounded_by_fp16_alone():
    whole = torch.tensor([0.1, 1e-9])
    assert torch.equal(kept(whole, "fp32", weight=True), whole)
    assert kept(whole, "fp16", weight=True).dtype == torch.float16
    beyond = torch.tensor([0.1, 1e6])
    assert torch.equal(kept(beyond, "fp16", weight=True), beyond)


def test_constants_that_would_lose_their_digits_stay_whole():
    assert kept(torch.tensor([0.1, 300.7]), "fp16", weight=False).dtype == torch.float16
    for value in (1e-9, 1e-6, 1e6):
        whole = torch.tensor([0.1, value])
        assert torch.equal(kept(whole, "fp16", weight=False), whole)
        assert torch.equal(kept(whole, "fp32", weight=False), whole)


@pytest.mark.parametrize(
    "other", [torch.tensor(7), torch.tensor(True), torch.tensor([0.1], dtype=torch.float64)]
)
def test_other_kinds_stay_as_they_are(other):
    assert kept(other, "fp16", weight=False) is other


def archived(folder, content, digest=None):
    digest = digest or hashlib.sha256(content).hexdigest()
    path = folder / "a.mlff"
    path.write_bytes(sealed({"t": content}))
    return Archive(path), Member("t", digest)


def test_tensors_come_back(tmp_path):
    tensors = {"a": torch.rand(3, 4).T, "b": torch.tensor(7), "c": torch.empty(0, 5)}
    member, content = encoded_tensors("t", tensors)
    back = read_tensors(*archived(tmp_path, content, member.sha256))
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (save({"w": torch.tensor([1.0, float("nan")])}), "holds NaN or Inf"),
        (save({"w": torch.tensor([float("inf")]).half()}), "holds NaN or Inf"),
        (save({"w": torch.ones(2, dtype=torch.bfloat16)}), "'w' has a type"),
        (struct.pack("<Q", 2**62) + b"{}", "no safetensors"),
        (struct.pack("<Q", 50) + b"{}", "no safetensors"),
        (b"", "no safetensors"),
    ],
)
def test_what_is_no_sound_tensor_is_refused(tmp_path, content, reason):
    with pytest.raises(UserError, match=reason):
        read_tensors(*archived(tmp_path, content))


def test_another_member_than_the_one_described_is_refused(tmp_path):
    content = save({"w": torch.ones(2)})
    with pytest.raises(UserError, match="its hash does not fit"):
        read_tensors(*archived(tmp_path, content, "0" * 64))


def test_a_pickle_is_not_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    with pytest.raises(UserError, match="no safetensors"):
        read_tensors(*archived(tmp_path, pickle.dumps(Evil())))
    assert not (tmp_path / "executed").exists()


def parts():
    torch.manual_seed(0)
    rows, classes = torch.rand(30, 6), torch.arange(30) % 2
    return Novelty.fitted((rows, classes), (rows + 0.1, classes)).parts()


def test_what_tells_the_unknown_has_to_fit():
    assert len(novelty_of(parts(), 6, "here").means) == 2
    wrong = {
        "another width": (parts(), 7),
        "a part missing": ({k: v for k, v in parts().items() if k != "rest"}, 6),
        "axes of another width": (parts() | {"axes": torch.zeros(5, 2)}, 6),
        "variances of other axes": (parts() | {"variances": torch.ones(99)}, 6),
        "means of no class": (parts() | {"means": torch.zeros(0, 6)}, 6),
        "means without classes": (parts() | {"means": torch.zeros(6)}, 6),
        "distances of two kinds": (parts() | {"distances": torch.zeros(2, 3)}, 6),
    }
    for name, (own, width) in wrong.items():
        with pytest.raises(UserError, match="here: is damaged"):
            novelty_of(own, width, "here")
            pytest.fail(name)
