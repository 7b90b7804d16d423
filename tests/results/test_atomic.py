import pytest

from mlff_cli.results.atomic import write_atomically


def test_content_is_replaced_and_folders_are_made(tmp_path):
    path = tmp_path / "runs" / "summary.json"
    write_atomically(path, "alt ä\n")
    write_atomically(path, b"new\n")
    assert path.read_bytes() == b"new\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_content_alone(tmp_path, monkeypatch):
    path = tmp_path / "summary.json"
    write_atomically(path, "old")

    def fail(_):
        raise OSError("no space left on device")

    monkeypatch.setattr("mlff_cli.results.atomic.os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_names_that_are_no_utf_8_can_be_written(tmp_path):
    name = b"st\xe4hl.png".decode("utf-8", "surrogateescape")
    write_atomically(tmp_path / "splits.csv", name)
    assert (tmp_path / "splits.csv").read_text(encoding="utf-8") == r"st\udce4hl.png"
