"""A file of answers: gone on with after any stop, and with no others' lines in it."""

import csv
import errno
import json
import os

import pytest

from mlff_cli.errors import UserError
from mlff_cli.results.answers_log import AnswersLog

COLUMNS = ["path", "content", "product", "label", "run", "adapters"]
OWN = {"run": "mlff-1", "adapters": "ab12"}
AWKWARD = ["a.png", 'a "b", c.png', "line\nbreak,\n.png", "carriage\rreturn.png", "ü 漢.png",
           "b\udcff.png", "\n", '"', "mlff-1,ab12\n.png"]  # fmt: skip


def log(path, products=("lid",), columns=COLUMNS, **own):
    return AnswersLog(path, columns, products=products, fixed=OWN | own)


def line(path, content="c1", product="lid"):
    return {"path": path, "content": content, "product": product, "label": "good", **OWN}


def written(path, names=AWKWARD):
    with log(path).opened() as opened:
        opened.append([line(name) for name in names])
    return path.read_bytes()


def names_in(path):
    text = path.read_bytes().decode("utf-8")
    if path.suffix == ".jsonl":
        assert text == "" or text.endswith("\n")
        return [json.loads(row)["path"] for row in text.splitlines()]
    rows = list(csv.DictReader(text.splitlines(keepends=True), strict=True))
    assert all(row.keys() == set(COLUMNS) and row["adapters"] == "ab12" for row in rows)
    return [row["path"] for row in rows]


@pytest.fixture(params=["told.csv", "told.jsonl"])
def path(request, tmp_path):
    return tmp_path / request.param


def test_what_stands_in_the_file_is_known_after_a_restart(path):
    before = written(path)
    with log(path).opened() as opened:
        assert opened.count == len(AWKWARD)
        assert all(opened.holds(name, "c1") for name in AWKWARD)
        assert not opened.holds("a.png", "c2"), "a file that was replaced is another image"
        assert not opened.holds("z.png", "c1"), "the same content under another name is, too"
        opened.append([line("z.png")])
        assert opened.holds("z.png", "c1")
    assert path.read_bytes().startswith(before)
    last = names_in(path)[-1]
    assert last == "z.png"


def test_cut_off_anywhere_it_goes_on_with_the_whole_lines(path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a thousand times
    whole = written(path)
    expected = names_in(path)
    for length in range(0, len(whole), 1 if path.suffix == ".csv" else 3):
        path.write_bytes(whole[:length])
        with log(path).opened() as opened:
            kept = opened.count
            assert [opened.holds(name, "c1") for name in AWKWARD] == [
                number < kept for number in range(len(AWKWARD))
            ]
            opened.append([line(name) for name in AWKWARD[kept:]])
        assert names_in(path) == expected
        assert path.read_bytes() == whole


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_what_cannot_be_written_whole_is_taken_back(path, monkeypatch, code):
    written(path, ["a.png"])
    before = path.read_bytes()

    def broken(_):
        raise OSError(code, os.strerror(code))

    with log(path).opened() as opened:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", broken)  # all bytes are there by then
            with pytest.raises(OSError, match=os.strerror(code)) as raised:
                opened.append([line("b.png"), line("c.png")])
        assert raised.value.filename == str(path)
        assert path.read_bytes() == before
        assert not opened.holds("b.png", "c1")
        opened.append([line("b.png")])
    assert names_in(path) == ["a.png", "b.png"]


def test_lines_that_find_no_room_half_way_are_taken_back(path):
    resource = pytest.importorskip("resource")
    written(path, ["a.png"])
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with log(path).opened() as opened:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 30, limits[1]))
            with pytest.raises(OSError, match="too large") as raised:
                opened.append([line("b.png"), line("c.png")])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert raised.value.filename == str(path)
        assert path.read_bytes() == before
        opened.append([line("b.png")])
    assert names_in(path) == ["a.png", "b.png"]


def test_what_is_no_file_is_refused(path):
    path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match="is no file"), log(path).opened():
        pytest.fail("it was opened")


@pytest.mark.parametrize("meddle", ["remove", "replace", "add", "shorten"])
def test_somebody_else_at_the_file_is_noticed(path, meddle):
    with log(path).opened() as opened:
        opened.append([line("a.png")])
        before = path.read_bytes()
        if meddle == "remove":
            path.unlink()
        elif meddle == "replace":
            path.rename(path.with_name("old"))
            path.write_bytes(before)
        else:
            path.write_bytes(before + b"x\n" if meddle == "add" else before[:-3])
        with pytest.raises(UserError, match="changed, moved or removed by somebody else"):
            opened.append([line("b.png")])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"run": "mlff-2"}, r"another run \(mlff-1, here it is mlff-2\); give another output="),
        ({"adapters": "cd34"}, "another adapters"),
        ({"products": ("box", "tin")}, r"another product \(lid, here it is tin\)"),
        ({"columns": [*COLUMNS[:3], "score lid", *COLUMNS[3:]]}, r"columns .*\(score lid\)"),
        ({"columns": ["content", "path", *COLUMNS[2:]]}, r"columns .*\(their order\)"),
    ],
)
def test_answers_of_another_run_or_product_are_not_mixed(path, options, said):
    before = written(path)
    with pytest.raises(UserError, match=said), log(path, **options).opened():
        pytest.fail("it was opened")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"path,label\na.png,good\n", "columns"),
        ("x.csv", b"something else", "does not begin as answers do"),
        ("x.csv", b"\x89PNG\r\n\x1a\n\0\0", "line 1: is damaged"),
        ("x.jsonl", b'{"a": 1}\n', "columns"),
        ("x.jsonl", b'{"a": 1}', "does not begin as answers do"),
        ("x.jsonl", b"[1, 2]\n", "line 1: is damaged"),
        ("x.jsonl", b"{\n", "line 1: is damaged"),
    ],
)
def test_a_file_that_is_something_else_is_left_alone(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said), log(tmp_path / name).opened():
        pytest.fail("it was opened")
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("damage", [b'"', b",", b"\xff"])
def test_a_damaged_line_does_not_cost_those_behind_it(tmp_path, damage):
    path = tmp_path / "told.csv"
    whole = written(path, [f"{number}.png" for number in range(20)])
    spoilt = whole.replace(b"7.png", b"7" + damage + b".png", 1)
    path.write_bytes(spoilt)
    with pytest.raises(UserError, match="is damaged"), log(path).opened():
        pytest.fail("it was opened")
    assert path.read_bytes() == spoilt


def test_lines_saved_by_a_spreadsheet_are_read(tmp_path):
    path = tmp_path / "told.csv"
    path.write_bytes(written(path, ["a.png"]).replace(b"\n", b"\r\n"))
    with log(path).opened() as opened:
        assert opened.holds("a.png", "c1")
