import pytest

from mlff_cli.system.files import write_by_renaming


def test_the_parts_follow_one_another_and_the_folder_is_made(tmp_path):
    path = tmp_path / "store" / "shard"
    write_by_renaming(path, path.with_name("temporary"), [b"head", memoryview(b"er"), b""])
    assert path.read_bytes() == b"header"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("no space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_content_alone(tmp_path, monkeypatch, error):
    path = tmp_path / "summary.json"
    path.write_text("old")

    def fail(_):
        raise error

    monkeypatch.setattr("mlff_cli.system.files.os.fsync", fail)
    with pytest.raises(type(error)):
        write_by_renaming(path, tmp_path / "temporary", [b"new"])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
