import hashlib
import json
import multiprocessing
import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlff_cli.errors import UserError
from mlff_cli.features.identities import identities
from mlff_cli.images import remembered as module


@dataclass(frozen=True)
class File:
    path: Path | str


@dataclass(frozen=True)
class Drawn:
    seed: int

    def identity(self):
        return hashlib.sha256(bytes([self.seed])).hexdigest()


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "images" / f"{number}.png" for number in range(5)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        path.write_bytes(b"content %d" % number)
    return paths


@pytest.fixture
def memo(tmp_path):
    return tmp_path / "store" / "identities.jsonl"


@pytest.fixture
def later(monkeypatch):
    """Let the clock stand ten seconds ahead, so that files written just now have settled."""
    monkeypatch.setattr(module.time, "time_ns", lambda clock=time.time_ns: clock() + 10**10)


@pytest.fixture
def hashed(monkeypatch):
    """The paths of files that were read."""
    seen = []
    original = module._read

    def watched(path, read):
        seen.append(Path(path).name)
        return original(path, read)

    monkeypatch.setattr(module, "_read", watched)
    return seen


def test_hashes_of_files_and_of_generated_images_in_order(files, memo):
    mixed = [File(files[3]), Drawn(7), File(str(files[0])), File(files[3])]
    expected = [sha(b"content 3"), Drawn(7).identity(), sha(b"content 0"), sha(b"content 3")]
    assert identities(mixed, memo) == expected
    assert identities(mixed, None) == expected
    assert identities([], memo) == []


def test_a_file_is_read_once(files, memo, later, hashed):
    everything = [*map(File, files)]
    first = identities([*everything, *everything], memo)
    assert sorted(hashed) == [path.name for path in files]
    assert identities(everything, memo) == first[:5] == [sha(b"content %d" % n) for n in range(5)]
    assert len(hashed) == 5


def test_paths_relative_to_the_current_folder_are_told_apart(files, memo, later, monkeypatch):
    other = files[0].parent.parent / "other"
    other.mkdir()
    (other / "0.png").write_bytes(b"another")
    for folder, content in ((files[0].parent, b"content 0"), (other, b"another")):
        monkeypatch.chdir(folder)
        assert identities([File("0.png")], memo) == [sha(content)]


def test_a_changed_file_is_read_again(files, memo, later):
    everything = [*map(File, files)]
    identities(everything, memo)
    files[1].write_bytes(b"content X, longer")
    files[2].write_bytes(b"content Y")
    assert identities(everything, memo)[1:3] == [sha(b"content X, longer"), sha(b"content Y")]


def test_a_replaced_file_of_the_same_size_and_time_is_read_again(files, memo, later):
    status = files[1].stat()
    identities([File(files[1])], memo)
    time.sleep(0.02)  # beyond the resolution of the change time
    files[1].write_bytes(b"CONTENT 1")
    os.utime(files[1], ns=(status.st_atime_ns, status.st_mtime_ns))
    assert identities([File(files[1])], memo) == [sha(b"CONTENT 1")]


def test_a_file_written_just_now_is_not_remembered(files, memo, hashed):
    identities([File(files[0])], memo)
    assert not memo.exists()
    identities([File(files[0])], memo)
    assert hashed == ["0.png", "0.png"]


def test_a_time_in_the_future_is_not_remembered(files, memo, later):
    os.utime(files[0], (time.time() + 3600,) * 2)
    identities([File(files[0])], memo)
    assert not memo.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"\x00\xff\xfe" * 100,
        lambda content: content[:-20],
        lambda content: content.replace(b"content", b"")[40:],
        lambda content: content + b"[1, 2]\n00000000 []\nzz {}\n",
        lambda content: content.replace(b'"', b"'"),
    ],
)
def test_a_damaged_memo_is_rebuilt(files, memo, later, hashed, damage):
    everything = [*map(File, files)]
    expected = identities(everything, memo)
    memo.write_bytes(damage(memo.read_bytes()))
    hashed.clear()
    assert identities(everything, memo) == expected
    hashed.clear()
    assert identities(everything, memo) == expected
    assert not hashed


def test_no_flipped_byte_of_the_memo_gives_a_wrong_hash(files, memo, later):
    everything = [*map(File, files[:1])]
    expected = identities(everything, memo)
    content = memo.read_bytes()
    for position in range(len(content)):
        memo.write_bytes(
            content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        )
        assert identities(everything, memo) == expected


def test_a_memo_that_cannot_be_written_only_costs_time(files, tmp_path, later, caplog):
    (tmp_path / "blocked").write_text("")
    memo = tmp_path / "blocked" / "identities.jsonl"
    assert identities([File(files[0])], memo) == [sha(b"content 0")]
    assert str(memo) in caplog.text


def remember(files, memo, times):
    for _ in range(times):
        for path in files:
            identities([File(path)], memo)


@pytest.mark.skipif(os.name != "posix", reason="processes are forked")
def test_processes_that_write_the_memo_at_once(files, memo, later):
    context = multiprocessing.get_context("fork")
    orders = [files, files[::-1], files[2:]]
    writers = [context.Process(target=remember, args=(order, memo, 5)) for order in orders]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    lines = [line for line in memo.read_text().split("\n") if line]
    assert {json.loads(line.split(" ", 1)[1])[0] for line in lines} == {str(p) for p in files}


def test_names_that_are_not_text_are_remembered(tmp_path, memo, later, hashed):
    path = tmp_path / os.fsdecode(b"caf\xe9 \xff.png")
    try:
        path.write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes only text as names")
    for _ in range(2):
        assert identities([File(path)], memo) == [sha(b"x")]
    assert len(hashed) == 1


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_an_unreadable_file_is_named(tmp_path, memo, kind):
    path = tmp_path / "gone.png"
    if kind == "folder":
        path.mkdir()
    with pytest.raises(UserError, match=r"gone\.png: the image cannot be read"):
        identities([File(path)], memo)
