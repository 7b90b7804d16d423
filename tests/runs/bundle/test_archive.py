"""Sealed archives: every byte counts, and what a stranger made does no harm."""

import hashlib
import io
import random
import struct
import zipfile

import pytest

from mlff_cli.errors import UserError
from mlff_cli.runs.bundle.archive import SEAL, Archive, seal_of, sealed

MEMBERS = {"first.json": b'{"a": 1}', "folder/second.bin": bytes(range(64)), "empty": b""}


def resealed(body: bytes) -> bytes:
    """Return an archive with a comment of the right length, its hash made to fit."""
    return body[:-SEAL] + hashlib.sha256(body[:-SEAL]).hexdigest().encode()


def made(change, members=MEMBERS):
    """Return what a stranger could make with the usual library, its hash made to fit."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        change(archive)
        for name, content in members.items():
            archive.writestr(name, content)
        archive.comment = b"0" * SEAL
    return resealed(buffer.getvalue())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.mlff"
    path.write_bytes(sealed(MEMBERS))
    return path


def test_members_come_back_and_any_program_opens_it(file):
    archive = Archive(file)
    assert {name: archive.read(name) for name in MEMBERS} == MEMBERS
    assert "first.json" in archive and "other" not in archive
    assert archive.size("folder/second.bin") == 64
    with zipfile.ZipFile(file) as plain:
        assert plain.namelist() == list(MEMBERS)
        assert plain.testzip() is None
        assert plain.comment.decode() == archive.seal == seal_of(file.read_bytes())


def test_the_same_members_give_the_same_bytes(file, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1e9)
    assert sealed(MEMBERS) == file.read_bytes()
    assert sealed(dict(reversed(MEMBERS.items()))) != file.read_bytes()


def test_any_changed_byte_is_noticed(file):
    """Every position, each with one other value drawn at random."""
    content, draw = file.read_bytes(), random.Random(0)
    for place in range(len(content)):
        other = bytearray(content)
        other[place] ^= draw.randrange(1, 256)
        file.write_bytes(other)
        with pytest.raises(UserError, match="is damaged or was not made by mlff pack"):
            Archive(file)
    file.write_bytes(content)
    Archive(file)


def test_bytes_that_are_missing_or_too_many_are_noticed(file):
    content = file.read_bytes()
    wrong = (b"", b"x", content[:SEAL], content[:-1], content[1:], content + b"\n", content * 2)
    for changed in wrong:
        file.write_bytes(changed)
        with pytest.raises(UserError, match=str(file)):
            Archive(file)


def test_what_cannot_be_opened_is_named(tmp_path):
    for path, reason in ((tmp_path / "none.mlff", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UserError, match=f"{path}: cannot be read .{reason}"):
            Archive(path)


def bomb(archive):
    info = zipfile.ZipInfo("bomb")
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, bytes(10_000_000))


def twice(archive):
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("twice", b"1")
        archive.writestr("twice", b"2")


@pytest.mark.parametrize(
    ("change", "reason"), [(bomb, "compressed"), (twice, "two members have one name")]
)
def test_what_mlff_pack_never_writes_is_refused(tmp_path, change, reason):
    path = tmp_path / "a.mlff"
    path.write_bytes(made(change))
    with pytest.raises(UserError, match=f"was not made by mlff pack .*{reason}"):
        Archive(path)


def test_sizes_and_places_that_lie_are_refused(file):
    """Each number of the directory in turn, as large as it can be."""
    content = file.read_bytes()
    start = content.index(b"PK\x01\x02")
    for place in range(start, len(content) - SEAL, 2):
        for value in (b"\xff\xff", b"\x00\x00"):
            lying = bytearray(content)
            lying[place : place + 2] = value
            file.write_bytes(resealed(bytes(lying)))
            try:
                archive = Archive(file)
                found = [archive.read(name) for name in archive._entries]
            except UserError:
                continue
            assert sum(map(len, found)) <= len(content)


def test_no_zip_at_all_is_refused(file):
    for body in (b"\x80\x04K\x01.", struct.pack("<Q", 2**62), b"PK\x05\x06", b""):
        file.write_bytes(resealed(body + b"0" * SEAL))
        with pytest.raises(UserError, match="was not made by mlff pack"):
            Archive(file)


def test_names_never_become_paths(tmp_path):
    names = ("../../up", "/absolute", "C:\\x")
    path = tmp_path / "a.mlff"
    path.write_bytes(made(lambda archive: None, dict.fromkeys(names, b"x")))
    Archive(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_takes_its_place_changes_nothing(file):
    archive = Archive(file)
    other = file.with_suffix(".new")
    other.write_bytes(sealed({"first.json": b"other"}))
    other.replace(file)
    assert archive.read("first.json") == MEMBERS["first.json"]
    with pytest.raises(UserError, match="holds no 'gone'"):
        archive.read("gone")
