"""What is packed comes back; what is damaged does not."""

import os
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.runs.packing import packed, unpacked

NUMBERS = st.integers(-(2**62), 2**62)
PLAIN = st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False) | st.text(max_size=8)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])
SHAPES = st.lists(st.integers(0, 3), max_size=3)
TENSORS = st.builds(lambda dtype, shape: torch.randn(shape).to(dtype), DTYPES, SHAPES)
KEYS = st.text(max_size=5) | NUMBERS
STATES = st.recursive(
    PLAIN | TENSORS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def same(one, other):
    if isinstance(one, torch.Tensor):
        return (
            isinstance(other, torch.Tensor)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and torch.equal(one, other)
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@given(STATES)
def test_what_is_packed_comes_back(state):
    assert same(state, unpacked(packed(state)))


def test_one_tensor_twice_and_one_laid_out_otherwise():
    rows = torch.arange(12.0).view(3, 4)
    state = {"a": rows, "b": rows, "c": rows.T, "d": (rows[:, 1], 1.5)}
    found = unpacked(packed(state))
    assert torch.equal(found["c"], rows.T)
    assert found["d"][1] == 1.5
    found["a"][0, 0] = 7
    assert float(found["b"][0, 0]) == 0


STATE = {"weights": torch.arange(40.0), "epoch": 3, "names": ["a", "b"]}


@given(st.integers(0, len(packed(STATE)) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(position, mask):
    content = bytearray(packed(STATE))
    content[position] ^= mask
    try:
        found = unpacked(bytes(content))
    except ValueError:
        return
    # A byte of the header may stand for nothing, as padding does.
    assert same(found, STATE)


@given(st.integers(0, len(packed(STATE)) - 1))
def test_a_file_cut_off_is_noticed(length):
    with pytest.raises(ValueError):
        unpacked(packed(STATE)[:length])


def test_nothing_is_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    with pytest.raises(ValueError):
        unpacked(pickle.dumps(Evil()))
    assert not (tmp_path / "executed").exists()


def test_a_part_of_a_tensor_takes_no_more_room_than_it_has():
    row = torch.arange(10_000.0).view(100, 100)[3]
    assert len(packed({"row": row})) < 2000
