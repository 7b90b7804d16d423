"""Which images of a folder are new, and whole."""

import os
from itertools import islice
from pathlib import Path

import pytest

from mlff_cli.errors import UserError
from mlff_cli.runs import watching
from mlff_cli.runs.watching import Arrivals, Version, WatchedFolder


def version(size=1, time=1):
    return Version(size, time, time, 7)


def test_a_file_is_waited_for_until_it_stays_as_it_is():
    arrivals = Arrivals(settle=1.0)
    assert arrivals.ready({"a": version(1)}, 10.0) == []
    assert arrivals.ready({"a": version(2)}, 10.9) == [], "it has grown"
    assert arrivals.ready({"a": version(2)}, 11.8) == []
    assert arrivals.ready({"a": version(2)}, 11.9) == ["a"]
    assert arrivals.ready({"a": version(2)}, 12.0) == ["a"], "it was not dealt with"
    arrivals.done("a", version(2))
    assert arrivals.ready({"a": version(2)}, 13.0) == []
    assert arrivals.ready({"a": version(2, 5)}, 14.0) == [], "written anew, and waited for again"
    assert arrivals.ready({"a": version(2, 5)}, 15.0) == ["a"]


def test_what_is_gone_is_forgotten_and_new_when_it_is_back():
    arrivals = Arrivals(settle=0.0)
    assert arrivals.ready({"a": version()}, 1.0) == ["a"]
    arrivals.done("a", version())
    assert arrivals.ready({}, 2.0) == []
    assert arrivals._done == arrivals._since == {}
    assert arrivals.ready({"a": version()}, 3.0) == ["a"]


def test_images_come_in_the_order_of_their_times():
    arrivals = Arrivals(settle=0.0)
    found = {"b10": version(1, 5), "b2": version(1, 5), "a": version(1, 9), "z": version(1, 1)}
    assert arrivals.ready(found, 0.0) == ["z", "b2", "b10", "a"]


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "new"
    made.mkdir()
    return made


@pytest.fixture
def looks(monkeypatch):
    """What happens between two looks, one after another."""
    steps = []

    def sleep(seconds):
        assert seconds == 0.5
        (steps.pop(0) if steps else pytest.fail)()

    monkeypatch.setattr(watching.time, "sleep", sleep)
    return steps


def watched(folder, settle=0.0):
    return WatchedFolder(folder, interval=0.5, settle=settle)


def names(batch, folder):
    return sorted(os.path.relpath(image.path, folder) for image in batch)


def test_hidden_temporary_and_other_files_are_left_out(folder, looks):
    for name in ("a.png", "sub/deep/b.JPG", "c.heic", "ü,\n.png", ".a.png", ".hid/x.png",
                 "d.png.part", "e.tmp", "told.csv", "told.jsonl", ".told.csv.lock"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "folder.png").mkdir()
    (folder / "dangling.png").symlink_to("nowhere.png")
    (folder / "circle.png").symlink_to("circle.png")
    (folder / "link.png").symlink_to("a.png")
    (folder / "up").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.png")
    (batch,) = islice(watched(folder).batches(lambda path, content: False), 1)
    found = names(batch, folder)
    assert found == sorted(["a.png", "c.heic", "link.png", "sub/deep/b.JPG", "ü,\n.png"])
    assert all(image.path.is_absolute() for image in batch)


def test_each_is_given_once_and_again_when_its_content_changes(folder, looks):
    (folder / "a.png").write_bytes(b"one")
    seen = set()
    watch = watched(folder)

    def given():
        (batch,) = islice(batches, 1)
        for image in batch:
            seen.add((str(image.path), image.content))
            watch.done(image)
        return names(batch, folder)

    batches = watch.batches(lambda path, content: (path, content) in seen)
    assert given() == ["a.png"]
    looks += [
        lambda: None,
        lambda: os.utime(folder / "a.png"),  # touched: the same content, read again and known
        lambda: (folder / "b.png").write_bytes(b"one"),  # the same content, another name
    ]
    assert given() == ["b.png"]
    looks += [lambda: (folder / "a.png").write_bytes(b"two")]
    assert given() == ["a.png"]
    looks += [
        lambda: (folder / "a.png").write_bytes(b"one"),  # as it was: answered long ago
        lambda: (folder / "c.png").write_bytes(b"three"),
    ]
    assert given() == ["c.png"]


def test_many_are_given_a_few_at_a_time(folder, looks, monkeypatch):
    monkeypatch.setattr(watching, "AT_ONCE", 3)
    for number in range(7):
        (folder / f"{number}.png").write_bytes(b"%d" % number)
    batches = list(islice(watched(folder).batches(lambda path, content: False), 3))
    assert [len(batch) for batch in batches] == [3, 3, 1]


def test_a_file_that_changes_while_it_is_answered_comes_again(folder, looks):
    file = folder / "a.png"
    file.write_bytes(b"half")
    batches = watched(folder).batches(lambda path, content: False)
    (image,) = next(batches)
    assert image.is_as_it_was
    file.write_bytes(b"whole")
    assert not image.is_as_it_was
    looks += [lambda: None]
    (again,) = next(batches)
    assert again.is_as_it_was and again.content != image.content
    file.unlink()
    assert not again.is_as_it_was


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_has_no_content(folder, looks):
    (folder / "a.png").touch(mode=0o000)
    ((image,),) = islice(watched(folder).batches(lambda path, content: False), 1)
    assert image.content == ""


def test_a_folder_that_vanishes_ends_it(folder, looks):
    (folder / "a.png").write_bytes(b"x")
    batches = watched(folder).batches(lambda path, content: False)
    assert next(batches)
    looks += [lambda: folder.rename(folder.with_name("moved"))]
    with pytest.raises(UserError, match=r"--watch .*new: the folder is gone.*same command goes on"):
        next(batches)


def test_a_disk_that_is_unmounted_is_not_an_empty_folder(folder, looks):
    watch = watched(folder)
    watch._disk += 1
    with pytest.raises(UserError, match="another disk lies there now"):
        next(watch.batches(lambda path, content: False))


def test_a_folder_below_may_vanish(folder, looks, monkeypatch):
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "c.png").write_bytes(b"x")
    list_folder = os.scandir

    def scandir(path):
        if Path(path) == folder / "a":
            (folder / "a" / "b").rmdir()
            (folder / "a").rmdir()
        return list_folder(path)

    monkeypatch.setattr(watching.os, "scandir", scandir)
    ((image,),) = islice(watched(folder).batches(lambda path, content: False), 1)
    assert image.path == folder / "c.png"


@pytest.mark.parametrize(("name", "said"), [("gone", "does not exist"), ("file", "not a folder")])
def test_there_must_be_a_folder(folder, name, said):
    (folder / "file").touch()
    with pytest.raises(UserError, match=said):
        watched(folder / name)
