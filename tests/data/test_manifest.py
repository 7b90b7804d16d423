import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.data.manifest import read_manifest
from mlff_cli.errors import UserError


def write(folder, content):
    path = folder / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_separators_line_ends_and_byte_order_mark(tmp_path, separator, end, mark):
    text = end.join([separator.join(row) for row in (["path ", "label"], [" ä.png", "gut"])])
    manifest = read_manifest(write(tmp_path, mark + text.encode()), "path")
    assert manifest.columns == ("path", "label")
    assert manifest.rows == ((2, {"path": "ä.png", "label": "gut"}),)


def test_lines_are_those_of_an_editor(tmp_path):
    text = 'path,label\n\na.png,"two\nlines"\n , \nb.png,x\n'
    manifest = read_manifest(write(tmp_path, text), "path")
    assert [line for line, _ in manifest.rows] == [3, 6]
    assert manifest.rows[0][1]["label"] == "two\nlines"


def test_other_separators_inside_cells_do_not_confuse(tmp_path):
    manifest = read_manifest(write(tmp_path, "path,labels\na.png,x;y;z\n"), "path")
    assert manifest.rows[0][1] == {"path": "a.png", "labels": "x;y;z"}
    manifest = read_manifest(write(tmp_path, 'path;labels\na.png;"x;y,z"\n'), "path")
    assert manifest.rows[0][1] == {"path": "a.png", "labels": "x;y,z"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"path,label\n", "holds no row"),
        (b"path,label\r\n\r\n,\r\n", "holds no row"),
        ("path,label\na.png,größe\n".encode("latin-1"), "line 2: the byte 0xf6 is not UTF-8"),
        ("path,label\na.png,x\n".encode("utf-16"), "is UTF-16"),
        (b"path,label\na.png,\0\n", "NUL"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not UTF-8"),
        (b"path,label\na.png\n", "line 2: 1 cells where the header has 2"),
        (b"path,label\na.png,x\nb.png,x,y\n", "line 3: 3 cells where the header has 2"),
        (b"path,label,label\na.png,x,y\n", "'label' stands there twice"),
        (b'path,label\na.png,"x\nb.png,y\n', "line 2: .*double quote"),
        (b'path,label\na.png,"x"y\n', "line 2: .*double quote"),
        (b"path,label\n" + b"a" * 200_000 + b",x\n", "line 2: field larger than"),
        (b"path,label\na.png" + b"," * 100_000 + b"\n", "line 2: 100001 cells"),
    ],
)
def test_broken_files_are_told(tmp_path, content, words):
    with pytest.raises(UserError, match=words) as caught:
        read_manifest(write(tmp_path, content), "path")
    assert "list.csv" in str(caught.value) and len(str(caught.value)) < 500


def test_a_folder_and_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        read_manifest(tmp_path, "path")
    with pytest.raises(UserError, match="cannot be read"):
        read_manifest(tmp_path / "none.csv", "path")


CELL = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=8
).map(str.strip)


@given(
    rows=st.lists(st.tuples(CELL.filter(bool), CELL), min_size=1, max_size=5),
    separator=st.sampled_from(",;\t"),
)
def test_what_was_written_is_read(tmp_path_factory, rows, separator):
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([("path", "label"), *rows])
    manifest = read_manifest(write(tmp_path_factory.mktemp("m"), text.getvalue()), "path")
    assert [(cells["path"], cells["label"]) for _, cells in manifest.rows] == rows


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_a_message(tmp_path_factory, content):
    with suppress(UserError):
        assert read_manifest(write(tmp_path_factory.mktemp("m"), content), "path").rows
