"""What is packed comes back; what is damaged does not."""

import os
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.methods.base import State
from mlff_cli.runs.checkpoints import (
    Checkpoints,
    EpochJournal,
    Progress,
    packed,
    unpacked,
)

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


def progress(finished=2):
    scores = [[0, 1, 1, "mAP", 0.1 + 0.2, 5], [0, 1, 2, "mAP", None, 5]]
    state = State({"../Größe 7": ("good", "pit"), "b": ()}, {"adapters.a": torch.ones(2)})
    return Progress(finished, scores, [1.5, 2.5], 3.5, 100.0, state)


def test_progress_is_kept_whole_and_cleared(tmp_path):
    checkpoints = Checkpoints(tmp_path / "state")
    assert checkpoints.load() is None
    checkpoints.save(progress(1))
    checkpoints.save(progress(2))
    found = checkpoints.load()
    assert (found.finished, found.scores, found.training_seconds) == (
        2,
        progress().scores,
        [1.5, 2.5],
    )
    assert found.state.heads == progress().state.heads
    assert list(found.state.heads) == list(progress().state.heads)
    assert torch.equal(found.state.tensors["adapters.a"], torch.ones(2))
    assert [file.name for file in (tmp_path / "state").iterdir()] == [checkpoints.file.name]
    checkpoints.clear()
    assert not (tmp_path / "state").exists()
    checkpoints.clear()


def test_clearing_leaves_what_is_not_its_own(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(progress())
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    checkpoints.clear()
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_damaged_progress_is_none(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    without_heads = vars(progress()) | {"state": {"adapters.a": torch.ones(2)}}
    contents = [{"finished": 1}, [1], "text", without_heads]
    for content in (b"", b"{}", *map(packed, contents)):
        checkpoints.save(progress())
        checkpoints.file.write_bytes(content)
        assert checkpoints.load() is None


def test_a_journal_keeps_every_so_many_epochs_but_not_the_last(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    journal = EpochJournal(checkpoints, every=2, index=3)
    assert journal.resume() is None
    kept = []
    for epoch in range(1, 7):
        journal.epoch_done(epoch, 6, lambda epoch=epoch: {"epoch": epoch})
        kept.append(journal.resume())
    assert kept == [None, *[{"epoch": 2}] * 2, *[{"epoch": 4}] * 3]
    assert EpochJournal(checkpoints, every=2, index=4).resume() is None
    checkpoints.save(progress(3))
    assert journal.resume() is None


def test_a_journal_of_0_keeps_nothing(tmp_path):
    journal = EpochJournal(Checkpoints(tmp_path), every=0, index=1)
    journal.epoch_done(1, 5, lambda: pytest.fail("asked for the state"))
    assert list(tmp_path.iterdir()) == []
