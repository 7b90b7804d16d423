import errno
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from store_samples import NAMES, SPACE, columns_of, everything, filled, keys_of, shards_of

from mlff_cli.errors import UserError
from mlff_cli.features.store.disk import FeatureStore
from mlff_cli.features.store.maintenance import list_spaces, prune_store

forked = pytest.mark.skipif(os.name != "posix", reason="processes are forked and killed")


def started(target, *arguments):
    process = multiprocessing.get_context("fork").Process(
        target=target, args=arguments, daemon=True
    )
    process.start()
    return process


def write_blocks(folder, blocks, rows, width):
    # A forked process has none of its parent's OpenMP threads and would wait for them for ever.
    torch.set_num_threads(1)
    store = FeatureStore(folder, SPACE)
    for block in blocks:
        numbers = range(block * rows, (block + 1) * rows)
        store.insert(keys_of(numbers), columns_of(numbers, width=width))


def right(store, numbers, width):
    if not numbers:
        return True  # of no rows the width is unknown
    expected = columns_of(numbers, width=width)
    rows = everything(store.rows(keys_of(numbers), NAMES))
    return all(torch.equal(r, expected[n]) for r, n in zip(rows, NAMES, strict=True))


@forked
def test_processes_that_write_at_once_lose_nothing(tmp_path, caplog):
    writers = [
        started(write_blocks, tmp_path, blocks, 50, 16)
        for blocks in (range(20), range(10, 30), range(29, -1, -1))
    ]
    reader = FeatureStore(tmp_path, SPACE)
    seen = 0
    while any(writer.is_alive() for writer in writers):
        absent = set(reader.missing(keys_of(range(1500)), NAMES))
        present = [number for number in range(1500) if number not in absent]
        assert len(present) >= seen
        assert right(reader, present, 16)
        seen = len(present)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert reader.missing(keys_of(range(1500)), NAMES) == []
    assert right(FeatureStore(tmp_path, SPACE), range(1500), 16)
    assert not caplog.text
    assert not [*tmp_path.rglob("*.tmp"), *tmp_path.rglob("*.damaged")]


def merge_again_and_again(folder, times):
    torch.set_num_threads(1)
    for _ in range(times):
        prune_store(folder, duplicates=True)


@forked
def test_processes_that_merge_while_others_write_lose_nothing(tmp_path, caplog):
    filled(tmp_path, range(20), width=16)
    writers = [
        started(write_blocks, tmp_path, blocks, 20, 16)
        for blocks in (range(40), range(20, 60), range(59, -1, -1))
    ]
    mergers = [started(merge_again_and_again, tmp_path, 30) for _ in range(2)]
    for process in [*writers, *mergers]:
        process.join(60)
    assert [process.exitcode for process in [*writers, *mergers]] == [0] * 5
    prune_store(tmp_path, duplicates=True)
    assert right(FeatureStore(tmp_path, SPACE), range(1200), 16)
    assert sum(summary.rows for summary in list_spaces(tmp_path)) == 1200
    assert not [*tmp_path.rglob("*.tmp"), *tmp_path.rglob("*.damaged")]


@forked
def test_a_killed_writer_leaves_whole_rows_only(tmp_path, caplog):
    rows, width, blocks = 200, 1024, 6
    random.seed(0)
    left_over = 0
    for attempt in range(40):
        folder = tmp_path / str(attempt)
        writer = started(write_blocks, folder, range(blocks), rows, width)
        end = time.monotonic() + 10
        while not any(folder.glob("*/*")) and time.monotonic() < end:
            time.sleep(0.0005)
        time.sleep(random.uniform(0, 0.02))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        store = FeatureStore(folder, SPACE)
        absent = store.missing(keys_of(range(rows * blocks)), NAMES)
        stored = rows * blocks - len(absent)
        assert stored % rows == 0
        assert absent == [*range(stored, rows * blocks)], "blocks are stored in order"
        assert right(store, range(stored), width)
        left_over += len([*folder.rglob("*.tmp")])
        prune_store(folder, temporary=True)
        assert not [*folder.rglob("*.tmp")]
        assert right(store, range(stored), width)
        shutil.rmtree(folder)
    assert left_over, "no kill fell into a write: the test has shown nothing"
    assert not caplog.text


@forked
def test_the_file_that_a_living_process_writes_is_not_pruned(tmp_path, monkeypatch):
    store = filled(tmp_path, range(3))
    pruned = []

    def prune_meanwhile(_):
        pruned.append(prune_store(tmp_path, temporary=True))

    monkeypatch.setattr(os, "fsync", prune_meanwhile)
    store.insert(keys_of([3]), columns_of([3]))
    assert pruned
    assert not any(pruned)
    assert store.missing(keys_of(range(4)), NAMES) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (
            errno.ENOSPC,
            r"no space left for [\d,]+ bytes .*[\d,]+ bytes free.*paths\.features=.*prune",
        ),
        (errno.EDQUOT, r"no space left .* quota is used up.*paths\.features=.*prune"),
        (errno.EACCES, r"cannot be written here.*writable.*paths\.features="),
        (errno.EROFS, r"cannot be written here.*writable.*paths\.features="),
        (errno.EIO, r"cannot be written here.*paths\.features="),
    ],
)
def test_a_write_that_fails_is_said_and_leaves_the_store_usable(
    tmp_path, monkeypatch, number, words
):
    store = filled(tmp_path, range(3))

    def fail(_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(UserError, match=words) as caught:
            store.insert(keys_of([3]), columns_of([3]))
    assert str(store.path) in str(caught.value)
    assert len([*store.path.iterdir()]) == 2, "the shard and the description from before"
    assert store.missing(keys_of(range(4)), NAMES) == [3]
    store.insert(keys_of([3]), columns_of([3]))
    assert right(store, range(4), 8)


def test_an_interrupted_write_removes_its_file(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        filled(tmp_path, range(3))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


FULL_DISK = """
import sys
from pathlib import Path
from store_samples import *
from mlff_cli.errors import UserError
folder = Path(sys.argv[1])
store = filled(folder, range(500), width=64)
try:
    filled(folder, range(500, 5000), width=64)
except UserError as error:
    print(error)
assert not [*folder.rglob("*.tmp")]
assert store.missing(keys_of(range(500)), NAMES) == []
store.insert(keys_of(range(500, 700)), columns_of(range(500, 700), width=64))
numbers = range(700)
for name, rows in zip(NAMES, everything(store.rows(keys_of(numbers), NAMES))):
    assert torch.equal(rows, columns_of(numbers, width=64)[name])
print("usable")
"""


def test_a_disk_that_is_really_full(tmp_path):
    mount = 'mount -t tmpfs -o size=1m none "$1" 2>/dev/null || exit 77'
    script = f'{mount}; exec "{sys.executable}" -c "$2" "$1"'
    if shutil.which("unshare") is None:
        pytest.skip("needs 'unshare' to mount a small disk")
    root = Path(__file__).parents[2]
    paths = [str(root), str(Path(__file__).parent)]
    result = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path), FULL_DISK],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    if result.returncode in (77, 126, 127) or "unshare" in result.stderr:
        pytest.skip("mounting a small disk is not permitted here")
    assert result.returncode == 0, result.stderr
    message, usable = result.stdout.splitlines()
    assert str(tmp_path) in message
    assert "no space left for" in message
    assert "mlff features prune" in message
    assert usable == "usable"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="make the folder writable"):
        filled(tmp_path / "store", range(3))
    tmp_path.chmod(0o700)


def test_equal_rows_make_one_file_of_one_name(tmp_path):
    names = [[path.name for path in shards_of(filled(tmp_path / f, range(9)))] for f in "ab"]
    assert names[0] == names[1]
    filled(tmp_path / "a", range(9))
    assert list_spaces(tmp_path / "a")[0].shards == 1
