import hashlib
import pickle
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlff_cli.data import files
from mlff_cli.data.files import FileDataset, FileImage, natural, usable
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import Record


@dataclass(kw_only=True)
class Listed(FileDataset):
    names: list[str] = field(default_factory=list)

    def listed(self):
        root = self.folder("images")
        return [Record(name, FileImage(root / name)) for name in self.names]


def noise(path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def good_and_bad(folder, good=9):
    names = [f"good{i}.png" for i in range(good)]
    for name in names:
        noise(folder / name)
    noise(folder / "cut.png")
    whole = (folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    return [*names, "cut.png"]


def test_identity_is_of_the_content(tmp_path):
    noise(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    first, second = FileImage(tmp_path / "a.png"), FileImage(tmp_path / "b.png")
    assert first.identity() == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert first.identity() == second.identity()
    (tmp_path / "b.png").write_bytes(b"other")
    assert first.identity() != second.identity()


def test_an_image_is_small_hashable_and_picklable(tmp_path):
    image = FileImage(tmp_path / "a.png")
    assert pickle.loads(pickle.dumps(image)) == image
    assert len({image, FileImage(tmp_path / "a.png")}) == 1
    assert not hasattr(image, "__dict__")


@pytest.mark.parametrize("method", ["identity", "load"])
def test_a_vanished_file_is_named(tmp_path, method):
    with pytest.raises(UserError, match=r"gone\.png: does not exist.*on_bad_image=skip"):
        getattr(FileImage(tmp_path / "gone.png"), method)()


def test_error_names_every_bad_file_up_to_five(tmp_path):
    for i in range(7):
        (tmp_path / f"{i}.png").touch()
    dataset = Listed(root=str(tmp_path), names=[f"{i}.png" for i in range(7)])
    with pytest.raises(UserError) as caught:
        dataset.records()
    assert "7 of 7" in str(caught.value) and "4.png: is empty" in str(caught.value)
    assert "and 2 more" in str(caught.value) and "5.png" not in str(caught.value)


def test_skip_finds_truncated_data_and_tells_it(tmp_path, caplog):
    names = good_and_bad(tmp_path)
    dataset = Listed(root=str(tmp_path), names=names, on_bad_image="skip", bad_image_limit=0.1)
    records = dataset.records()
    assert [record.name for record in records] == names[:9]
    assert [name for name, _ in dataset.skipped] == ["cut.png"]
    assert "truncated" in dataset.skipped[0][1]
    assert "cut.png" in caplog.text


def test_error_tells_truncated_data_on_loading(tmp_path):
    dataset = Listed(root=str(tmp_path), names=good_and_bad(tmp_path))
    *_, cut = dataset.records()
    assert dataset.skipped == []
    with pytest.raises(UserError, match=r"cut\.png: is truncated"):
        cut.image.load()


@pytest.mark.parametrize("on_bad_image", ["error", "skip"])
def test_a_good_file_is_looked_at_once_until_it_changes(tmp_path, monkeypatch, on_bad_image):
    names = good_and_bad(tmp_path)[: 9 if on_bad_image == "error" else 10]
    later = time.time_ns() + 10**10  # files written just now have settled
    monkeypatch.setattr("mlff_cli.images.remembered.time.time_ns", lambda: later)
    seen = []
    for name in ("header_problem", "decoding_problem"):
        check = getattr(files, name)
        monkeypatch.setattr(
            files, name, lambda path, check=check: seen.append(path.name) or check(path)
        )

    def records():
        seen.clear()
        dataset = Listed(
            root=str(tmp_path), names=names, on_bad_image=on_bad_image, bad_image_limit=0.2
        )
        dataset.store = tmp_path / "store"
        return len(dataset.records())

    assert records() == 9 and set(seen) == set(names)
    assert records() == 9 and set(seen) <= {"cut.png"}
    noise(tmp_path / names[3])
    assert records() == 9 and set(seen) - {"cut.png"} == {names[3]}
    (tmp_path / names[3]).unlink()
    if on_bad_image == "error":
        with pytest.raises(UserError, match=rf"{names[3]}: does not exist"):
            records()
    else:
        assert records() == 8


def test_skip_gives_up_above_its_limit(tmp_path):
    names = good_and_bad(tmp_path)
    dataset = Listed(root=str(tmp_path), names=names, on_bad_image="skip", bad_image_limit=0.09)
    with pytest.raises(UserError, match=r"1 of 10 images \(10\.0%\).*[\s\S]*bad_image_limit=0\.09"):
        dataset.records()


def test_skip_never_leaves_nothing(tmp_path):
    records = [Record("gone.png", FileImage(tmp_path / "gone.png"))]
    with pytest.raises(UserError, match="1 of 1"):
        usable(records, "skip", 1.0)


def test_generated_images_pass(tmp_path):
    class Drawn:
        def identity(self):
            return "0" * 64

        def load(self):
            return np.zeros((8, 8, 3), np.uint8)

    records = [Record("a", Drawn())]
    assert usable(records, "error", 0) == (records, [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, r"set data\.root=<folder>"),
        ({"root": ""}, r"set data\.root=<folder>"),
        ({"root": "/does/not/exist"}, r"data\.root=/does/not/exist does not exist"),
        ({"root": __file__}, "is not a folder"),
    ],
)
def test_a_missing_root_is_told(options, words):
    with pytest.raises(UserError, match=words):
        Listed(**options).records()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on_bad_image": "skp"}, "did you mean 'skip'"),
        ({"bad_image_limit": 5.0}, "from 0 to 1"),
        ({"bad_image_limit": float("nan")}, "from 0 to 1"),
    ],
)
def test_wrong_options_are_told(options, words):
    with pytest.raises(UserError, match=words):
        Listed(**options)


def test_names_that_cannot_be_written_are_told(tmp_path):
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    with pytest.raises(UserError, match="not valid UTF-8"):
        Listed(root=str(tmp_path), names=[name]).records()


def test_a_name_listed_twice_is_told(tmp_path):
    with pytest.raises(UserError, match="listed twice"):
        Listed(root=str(tmp_path), names=["a.png", "a.png"]).records()


def test_root_may_be_relative_and_under_home(tmp_path, monkeypatch):
    noise(tmp_path / "a.png")
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    for root in (".", f"~/{tmp_path.name}"):
        (record,) = Listed(root=root, names=["a.png"]).records()
        assert isinstance(record.image, FileImage)
        assert record.image.path == Path(tmp_path).resolve() / "a.png"


def test_natural_order():
    names = ["b10.png", "b2.png", "b02.png", "a.png", "1.png"]
    assert sorted(names, key=natural) == ["1.png", "a.png", "b02.png", "b2.png", "b10.png"]
