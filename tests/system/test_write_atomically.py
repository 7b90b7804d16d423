import errno

import pytest

from mlff_cli.system.files import write_atomically


def test_content_is_replaced_and_folders_are_made(tmp_path):
    path = tmp_path / "runs" / "summary.json"
    write_atomically(path, "alt ä\n")
    write_atomically(path, b"new\n")
    assert path.read_bytes() == b"new\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_is_reported_with_the_name_of_the_file(tmp_path, monkeypatch):
    path = tmp_path / "summary.json"

    def fail(_):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("mlff_cli.system.files.os.fsync", fail)
    with pytest.raises(OSError, match="no space") as stop:
        write_atomically(path, "new")
    assert stop.value.filename == str(path)


def test_file_names_that_are_no_utf_8_can_be_written(tmp_path):
    name = b"st\xe4hl.png".decode("utf-8", "surrogateescape")
    write_atomically(tmp_path / "splits.csv", name)
    assert (tmp_path / "splits.csv").read_text(encoding="utf-8") == r"st\udce4hl.png"
