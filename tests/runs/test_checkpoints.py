"""The state of a run comes back as it was kept, or not at all."""

import math
from dataclasses import replace

import pytest
import torch

from mlff_cli.methods.base import State
from mlff_cli.results.matrix import TOGETHER, ScoreMatrix
from mlff_cli.runs import tensor_files
from mlff_cli.runs.checkpoints import Checkpoints, EpochJournal, Progress
from mlff_cli.runs.packing import packed, unpacked


def progress(finished=2):
    matrix = ScoreMatrix(["Größe 7", "b", "c"], learned=3)
    matrix.add(0, 1, "mAP", value=0.1 + 0.2, n=5)
    matrix.add(finished, 2, "mAP", value=math.nan, n=5)
    matrix.add(finished, TOGETHER, "accuracy", value=0.5, n=None)
    state = State({"../Größe 7": ("good", "pit"), "b": ()}, {"adapters.a": torch.ones(2)})
    return Progress(finished, matrix, [1.5, 2.5], 3.5, 100.0, state)


def test_progress_is_kept_whole_and_cleared(tmp_path):
    checkpoints = Checkpoints(tmp_path / "state")
    assert checkpoints.load() is None
    checkpoints.save(progress(1))
    checkpoints.save(progress(2))
    found = checkpoints.load()
    assert (found.finished, found.training_seconds) == (2, [1.5, 2.5])
    assert (found.matrix.experiences, found.matrix.learned) == (("Größe 7", "b", "c"), 3)
    assert str(list(found.matrix.scored())) == str(list(progress().matrix.scored()))
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
    checkpoints.save(progress())
    whole = unpacked(checkpoints.file.read_bytes())
    without_heads = whole | {"state": {"adapters.a": torch.ones(2)}}
    other_scores = whole | {"matrix": whole["matrix"] | {"learned": 1}}
    rows = whole | {"matrix": [[0, 1, "mAP", 0.5, 5]]}
    contents = [{"finished": 1}, [1], "text", without_heads, other_scores, rows]
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


def growing(count, shared=0.0):
    """Return the state after so many products, each of which brings 4,000 bytes."""
    own = {f"adapters.{k}": torch.full((1000,), float(k)) for k in range(1, count + 1)}
    heads = {f"product {k}": ("good", "pit") for k in range(1, count + 1)}
    tensors = {"shared": torch.full((10,), shared), **own}
    state = State(heads, tensors, {"exemplars/1": torch.ones(2)})
    return Progress(count, ScoreMatrix(["a"], learned=1), [1.0] * count, 0.0, 1.0, state)


def same(found, expected):
    for group in ("tensors", "kept"):
        one, other = getattr(found.state, group), getattr(expected.state, group)
        assert list(one) == list(other)
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert dict(found.state.heads) == expected.state.heads
    assert found.finished == expected.finished


@pytest.fixture
def always_apart(monkeypatch):
    monkeypatch.setattr(tensor_files, "LEAST_BYTES", 0)


@pytest.mark.usefixtures("always_apart")
def test_what_does_not_change_is_written_once(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for count in range(1, 6):
        if count == 4:
            checkpoints = Checkpoints(tmp_path)  # a run that was broken off
            same(checkpoints.load(), growing(3, shared=3))
        checkpoints.save(growing(count, shared=count))
        assert (tmp_path / f"tensors-{count}.checkpoint").stat().st_size < 5000
        assert checkpoints.file.stat().st_size < 3000
        same(Checkpoints(tmp_path).load(), growing(count, shared=count))
    assert len(list(tmp_path.iterdir())) == 6
    checkpoints.clear()
    assert not tmp_path.exists()


@pytest.mark.usefixtures("always_apart")
def test_what_changed_is_enough_where_the_rest_lies_there_already(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert not checkpoints.take_changes
    checkpoints.save(growing(2))
    for count in (3, 4):
        assert checkpoints.take_changes
        whole = growing(count, shared=count)
        of_step = {name: whole.state.tensors[name] for name in ("shared", f"adapters.{count}")}
        kept = {f"exemplars/{count}": torch.ones(2)}  # those of before are dropped
        changed = replace(whole.state, tensors=of_step, kept=kept, whole=False)
        checkpoints.save(replace(whole, state=changed))
        found = Checkpoints(tmp_path).load().state
        assert found.whole
        assert found.heads == whole.state.heads
        assert found.tensors.keys() == whole.state.tensors.keys()
        assert all(torch.equal(found.tensors[name], t) for name, t in whole.state.tensors.items())
        assert list(found.kept) == list(kept)
    checkpoints = Checkpoints(tmp_path)  # a run that was broken off
    assert not checkpoints.take_changes
    checkpoints.load()
    assert checkpoints.take_changes


@pytest.mark.usefixtures("always_apart")
def test_where_much_is_outdated_what_changed_is_not_enough(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(growing(6))
    changes = 0
    while checkpoints.take_changes:
        changes += 1
        own = {f"adapters.{k}": torch.rand(1000) for k in range(1, 7) if k != changes}
        state = replace(growing(6).state, tensors=own, whole=False)
        checkpoints.save(replace(growing(6), finished=6 + changes, state=state))
    assert changes == 2
    checkpoints.save(growing(6))
    same(Checkpoints(tmp_path).load(), growing(6))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 35_000


@pytest.mark.usefixtures("always_apart")
def test_tensors_that_all_change_take_no_more_than_twice_their_room(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for finished in range(1, 9):
        progress = Progress(
            finished,
            ScoreMatrix([], 0),
            [],
            0.0,
            1.0,
            State({}, {"all": torch.full((1000,), float(finished))}),
        )
        checkpoints.save(progress)
        same(Checkpoints(tmp_path).load(), progress)
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 10_000


@pytest.mark.usefixtures("always_apart")
@pytest.mark.parametrize("damage", ["missing", "flipped", "another"])
def test_a_damaged_file_of_tensors_means_no_state(tmp_path, damage):
    checkpoints = Checkpoints(tmp_path)
    for count in (1, 2, 3):
        checkpoints.save(growing(count))
    file = tmp_path / "tensors-2.checkpoint"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(content if damage == "flipped" else packed({"tensors/other": 1}))
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.load() is None
    assert not tmp_path.exists()
    checkpoints.save(growing(3))  # learned again, and nothing is taken to be there still
    same(Checkpoints(tmp_path).load(), growing(3))


@pytest.mark.usefixtures("always_apart")
def test_after_clearing_everything_is_written_again(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(growing(3))
    checkpoints.clear()
    checkpoints.save(growing(3))
    same(Checkpoints(tmp_path).load(), growing(3))


@pytest.mark.parametrize("places", [[], {"tensors/a": ["x"]}, {"tensors/a": "../out"}])
def test_places_of_a_stranger_lead_nowhere(tmp_path, places):
    (tmp_path / "out").write_bytes(packed({"tensors/a": torch.ones(2)}))
    checkpoints = Checkpoints(tmp_path / "state")
    checkpoints.save(growing(1))
    content = unpacked(checkpoints.file.read_bytes())
    content |= {"state": {"heads": {}, "tensors": {}}, "apart": places}
    checkpoints.file.write_bytes(packed(content))
    assert checkpoints.load() is None


def test_what_is_removed_lies_in_its_own_folder(tmp_path):
    state, outside = tmp_path / "state", tmp_path / "tensors-1.checkpoint"
    checkpoints = Checkpoints(state)
    checkpoints.save(growing(1))
    for file in (state / "tensors-1.checkpoint", outside):
        file.write_bytes(packed({"tensors/a": torch.ones(2)}))
    content = unpacked(checkpoints.file.read_bytes())
    content |= {"state": {"heads": {}}, "apart": [[f"../{outside.name}", None]]}
    checkpoints.file.write_bytes(packed(content))
    assert list(checkpoints.load().state.tensors) == ["a"]
    checkpoints.save(growing(2))
    assert outside.exists()
    assert [file.name for file in state.iterdir()] == [checkpoints.file.name]


def test_a_small_state_is_one_file(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for count in (1, 2):
        checkpoints.save(growing(count))
    assert [file.name for file in tmp_path.iterdir()] == [checkpoints.file.name]
