"""Which files are meant by words."""

import pytest

from mlff_cli.data.asked import asked_images
from mlff_cli.errors import UserError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("a10.png", "a2.PNG", "notes.txt", "sub/b.jpg", "sub/c.heic", ".hidden/d.png"):
        file = tmp_path / "new" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*words):
    return [path.as_posix() for path in asked_images(words)]


def test_a_folder_is_all_images_below_it_in_natural_order(folder):
    assert names("new") == ["new/a2.PNG", "new/a10.png", "new/sub/b.jpg", "new/sub/c.heic"]


def test_files_patterns_and_lists_each_once(folder):
    assert names("new/a2.PNG", "new/*.png", "new/a10.png") == ["new/a2.PNG", "new/a10.png"]
    assert names("new/**/*.jpg") == ["new/sub/b.jpg"]
    (folder / "new" / "list.csv").write_text("path,x\na10.png,1\nsub\\b.jpg,2\n")
    assert names("new/list.csv") == ["new/a10.png", "new/sub/b.jpg"]


def test_a_file_that_is_not_there_is_asked_about_all_the_same(folder):
    assert names("gone.png") == ["gone.png"]
    (folder / "odd[1].png").write_bytes(b"x")
    assert names("odd[1].png") == ["odd[1].png"]


def test_nothing_found_is_refused(folder):
    (folder / "empty").mkdir()
    for word in ("empty", "new/*.gif"):
        with pytest.raises(UserError, match="give files, folders, patterns or a CSV file"):
            asked_images([word])
    (folder / "list.csv").write_text("file\na.png\n")
    with pytest.raises(UserError, match="path"):
        asked_images(["list.csv"])
