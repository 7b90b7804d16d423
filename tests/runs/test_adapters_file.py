"""Adapters on disk: every byte counts, nothing is executed, nothing foreign is taken."""

import hashlib
import json
import os
import pickle
import random

import pytest
import torch

from mlff_cli.errors import UserError
from mlff_cli.methods.base import State
from mlff_cli.runs.adapters_file import DESCRIPTION, TENSORS, load_adapters, save_adapters

BACKBONE = "ab" * 32
HEADS = {"../Größe 7": ("good", "pit"), "b": ("dx",)}


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    tensors = {
        "adapters.fusion.weight": torch.randn(3, 4).T,
        "adapters.heads.0.bias": torch.randn(2),
        "adapters.heads.0.seen": torch.tensor(7),
    }
    save_adapters(tmp_path, State(HEADS, tensors), fingerprint=BACKBONE)
    return tmp_path


def rehashed(folder, **changes):
    """Write another description with a hash that fits, as a stranger could."""
    description = json.loads((folder / DESCRIPTION).read_bytes())
    del description["hash"]
    body = json.dumps(description | changes, indent=1, sort_keys=True)
    digest = hashlib.sha256(body.encode()).hexdigest()
    text = body.removesuffix("\n}") + f',\n "hash": "{digest}"\n}}\n'
    (folder / DESCRIPTION).write_bytes(text.encode())


def test_adapters_come_back_as_they_were(folder):
    state = load_adapters(folder, BACKBONE)
    assert state.heads == HEADS
    assert list(state.heads) == list(HEADS)
    torch.manual_seed(0)
    assert torch.equal(state.tensors["adapters.fusion.weight"], torch.randn(3, 4).T)
    assert int(state.tensors["adapters.heads.0.seen"]) == 7


def test_the_same_adapters_give_the_same_bytes(folder, tmp_path):
    before = {name: (folder / name).read_bytes() for name in (TENSORS, DESCRIPTION)}
    save_adapters(folder, load_adapters(folder, BACKBONE), fingerprint=BACKBONE)
    assert before == {name: (folder / name).read_bytes() for name in (TENSORS, DESCRIPTION)}


@pytest.mark.parametrize("name", [TENSORS, DESCRIPTION])
def test_any_changed_byte_is_noticed(name, folder):
    """Every position, each with one other value drawn at random; a line break with every one."""
    file = folder / name
    content = file.read_bytes()
    draw = random.Random(0)
    changes = [(place, content[place] ^ draw.randrange(1, 256)) for place in range(len(content))]
    if name == DESCRIPTION:
        first = content.index(b"\n")
        changes += [(first, byte) for byte in range(256) if byte != ord("\n")]
    for place, byte in changes:
        file.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
        with pytest.raises(UserError, match=str(folder)):
            load_adapters(folder, BACKBONE)
    file.write_bytes(content)
    load_adapters(folder, BACKBONE)


@pytest.mark.parametrize("name", [TENSORS, DESCRIPTION])
def test_bytes_that_are_missing_or_too_many_are_noticed(name, folder):
    file = folder / name
    content = file.read_bytes()
    for changed in (b"", content[:-1], content + b"\n", content + b" ", content[1:], content * 2):
        file.write_bytes(changed)
        with pytest.raises(UserError, match="damaged"):
            load_adapters(folder, BACKBONE)
    file.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        load_adapters(folder, BACKBONE)


def test_another_backbone_is_refused(folder):
    with pytest.raises(UserError, match=r"another backbone \(fingerprint abababababab, here cdcd"):
        load_adapters(folder, "cd" * 32)


def test_a_newer_format_names_the_remedy(folder):
    rehashed(folder, format=99)
    with pytest.raises(UserError, match="has format 99, this program reads up to 2; update it"):
        load_adapters(folder, BACKBONE)


@pytest.mark.parametrize(
    "text", ["[]", "null", "7", '{"format": 1}', '{"format": "1"}', '{"hash": ""}', "{", "\ufeff{}"]
)
def test_a_description_of_another_kind_is_refused(folder, text):
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="damaged"):
        load_adapters(folder, BACKBONE)


def test_swapped_tensors_are_noticed_even_when_the_file_has_its_hash(folder):
    from safetensors.torch import load, save

    state = load((folder / TENSORS).read_bytes())
    state["adapters.heads.0.bias"] += 1
    content = save(state)
    (folder / TENSORS).write_bytes(content)
    rehashed(folder, file=hashlib.sha256(content).hexdigest())
    with pytest.raises(UserError, match=r"tensor 'adapters\.heads\.0\.bias' is damaged"):
        load_adapters(folder, BACKBONE)


def test_a_pickle_in_place_of_the_tensors_is_not_executed(folder, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    content = pickle.dumps(Evil())
    (folder / TENSORS).write_bytes(content)
    rehashed(folder, file=hashlib.sha256(content).hexdigest())
    with pytest.raises(UserError, match="holds no safetensors"):
        load_adapters(folder, BACKBONE)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(value, tmp_path):
    save_adapters(tmp_path, State({}, {"w": torch.tensor([1.0, value])}), fingerprint=BACKBONE)
    with pytest.raises(UserError, match="'w' holds NaN or Inf"):
        load_adapters(tmp_path, BACKBONE)
