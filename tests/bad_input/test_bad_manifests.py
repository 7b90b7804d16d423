"""Manifests and folders of images that cannot be used."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from refusals import CSV, FOLDER, Spoilt, refused
from tiny_task import picture


def manifest(*rows: str, header: str = "path,label,product") -> Callable[[Path], object]:
    """Return what writes a manifest: the rows given, in front of those of `write_manifest`."""

    def write(place: Path) -> None:
        file = place / "images/list.csv"
        old = file.read_text().splitlines()[1:]
        commas = header.count(",") - 2
        old = [row + "," * commas for row in old]
        file.write_text("\n".join([header, *rows, *old]) + "\n")

    return write


def content(data: bytes) -> Callable[[Path], object]:
    return lambda place: (place / "images/list.csv").write_bytes(data)


def link_out(place: Path) -> None:
    Image.fromarray(picture()).save(place / "outside.png")
    (place / "images/link.png").symlink_to(place / "outside.png")
    manifest("link.png,good,bolt")(place)


MANIFESTS = {
    "no column path": Spoilt(("line 1", "'path'"), content(b"file,label\na.png,good\n")),
    "no column label": Spoilt(("line 1", "'label'"), content(b"path,klass\nbolt/bad/0.png,x\n")),
    "unknown label": Spoilt(("line 2", "'bda'", "bad"), manifest("bolt/x.png,bda,bolt"),
                            ("data.classes=[bad,good]", "data.on_bad_image=skip")),
    "other spelling": Spoilt(("'good'", "'Good'", "one spelling"), manifest("nut/9.png,Good,nut"),
                             ("data.on_bad_image=skip",)),
    "empty label": Spoilt(("line 2", "column label", "empty"), manifest("bolt/bad/0.png,,bolt")),
    "NaN target": Spoilt(
        ("line 2", "target_x", "nan"),
        content(b"path,target_x\nbolt/bad/0.png,nan\nbolt/bad/1.png,2\n"), ("head=regressor",),
    ),
    "infinite target": Spoilt(
        ("line 2", "target_x", "inf"),
        content(b"path,target_x\nbolt/bad/0.png,inf\n"), ("head=regressor",),
    ),
    "target that is no number": Spoilt(
        ("line 2", "target_x", "wide"),
        content(b"path,target_x\nbolt/bad/0.png,wide\n"), ("head=regressor",),
    ),
    "target column missing": Spoilt(("line 1", "'depth'"), words=("data.targets=[depth]",)),
    "one path, two labels": Spoilt(
        ("bolt/bad/0.png", "line 2", "already"), manifest("bolt/bad/0.png,good,bolt")),
    "one path twice": Spoilt(
        ("bolt/bad/0.png", "line 2", "already"), manifest("bolt/bad/0.png,bad,bolt")),
    "path upwards": Spoilt(
        ("line 2", "leads out", "data.allow_outside_root=true"), manifest("../list.csv,good,bolt")),
    "absolute path": Spoilt(
        ("line 2", "leads out", "data.allow_outside_root=true"), manifest("/etc/passwd,good,bolt")),
    "link out of the folder": Spoilt(
        ("line 2", "leads out", "data.allow_outside_root=true"), link_out),
    "missing image": Spoilt(
        ("line 2", "bolt/gone.png", "data.root"), manifest("bolt/gone.png,good,bolt")),
    "empty path": Spoilt(("line 2", "column path", "empty"), manifest(",good,bolt")),
    "Latin-1": Spoilt(
        ("line 2", "0xfc", "UTF-8"), content("path,label\nt\u00fcr.png,good\n".encode("latin-1"))),
    "UTF-16": Spoilt(("UTF-16", "UTF-8"), content("path,label\na.png,b\n".encode("utf-16"))),
    "NUL bytes": Spoilt(("NUL",), content(b"path,label\na\0.png,good\n")),
    "no rows": Spoilt(("no row below its header",), content(b"path,label\n")),
    "nothing at all": Spoilt(("is empty",), content(b"")),
    "one huge row": Spoilt(
        ("line 2",), content(b"path,label\n" + b"a" * 2_000_000 + b",good\n")),
    "open quote": Spoilt(("line 2", "quote"), content(b'path,label\n"a.png,good\n')),
    "too many cells": Spoilt(
        ("line 2", "4 cells", "3"), manifest("bolt/bad/0.png,good,bolt,extra")),
    "unknown split": Spoilt(
        ("line 2", "'tset'", "train, val or test"),
        manifest("bolt/bad/0.png,bad,bolt,tset", header="path,label,product,split"),
    ),
    "label and labels": Spoilt(
        ("'label' and 'labels'",), content(b"path,label,labels\nbolt/bad/0.png,a,b\n")),
    "column twice": Spoilt(("'label'", "twice"), content(b"path,label,label\na.png,a,b\n")),
    "product missing in a row": Spoilt(
        ("line 2", "column product", "empty"), manifest("bolt/bad/0.png,bad,")),
    "group in two splits": Spoilt(
        ("'g'", "two splits"),
        content(b"path,label,group,split\nbolt/bad/0.png,bad,g,train\nbolt/good/0.png,good,g,test\n"),
    ),
    "groups without a split": Spoilt(
        ("one group 'g'", "column `group`"),
        content(b"path,label,group\nbolt/bad/0.png,bad,g\nbolt/good/0.png,good,g\n"),
    ),
    "class only in test": Spoilt(
        ("'bad'", "never trained"),
        content(b"path,label,split\nbolt/bad/0.png,bad,test\nbolt/good/0.png,good,train\n"
                b"bolt/good/1.png,good,train\n"),
    ),
    "all in test": Spoilt(
        ("cannot be trained", "its 2 images are all fixed to test", "column `split`"),
        content(b"path,label,split\nbolt/bad/0.png,bad,test\nbolt/good/0.png,good,test\n"),
    ),
    "manifest missing": Spoilt(
        ("lits.csv", "did you mean 'list.csv'?"), words=("data.file=images/lits.csv",)),
    "folder as manifest": Spoilt(("is a folder",), words=("data.file=images",)),
    "no manifest named": Spoilt(("data.file",), words=("data.file=null",)),
}  # fmt: skip


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_bad_manifest_is_refused(place, mlff, name):
    case = MANIFESTS[name]
    case.spoil(place)
    refused(mlff, name, (*CSV, *case.words), *case.expected)


def emptied(place: Path, folder: str) -> None:
    shutil.rmtree(place / folder)
    (place / folder).mkdir()


def one_image(place: Path) -> None:
    for product in ("bolt", "nut"):
        for number in (1, 2, 3):
            for label in ("good", "bad"):
                (place / f"images/{product}/{label}/{number}.png").unlink()


FOLDERS = {
    "no such folder": Spoilt(("data.root=imagse", "does not exist"), words=("data.root=imagse",)),
    "file as folder": Spoilt(
        ("is not a folder",), words=("data.root=images/list.csv",)),
    "no folder named": Spoilt(("data.root=<folder>",), words=("data.root=null",)),
    "empty folder": Spoilt(("holds 0 images",), lambda place: emptied(place, "images")),
    "images without classes": Spoilt(
        ("holds 4 images but no folder",), words=("data.root=images/bolt/good",)),
    "empty class": Spoilt(
        ("class 'good' has no image",), lambda place: emptied(place, "images/nut/good")),
    "product without images": Spoilt(
        ("product 'nut' has no images",), lambda place: emptied(place, "images/nut")),
    "two layouts": Spoilt(
        ("mixes two layouts",),
        lambda place: shutil.copy(place / "images/nut/good/0.png", place / "images/bolt/0.png")),
    "one class": Spoilt(
        ("experience 'nut' has one class ('good')",),
        lambda place: shutil.rmtree(place / "images/nut/bad")),
    "classes of one image": Spoilt(
        ("product 'bolt' cannot be tested", "product 'nut'", "2 images"), one_image),
    "a link to another folder": Spoilt(
        ("leads to", "outside of"), lambda place: (place / "images/bolt/more").symlink_to("/etc")),
    "a name that is no UTF-8": Spoilt(
        ("not valid UTF-8",),
        lambda place: shutil.copy(
            place / "images/nut/good/0.png",
            os.fsdecode(os.fsencode(place / "images/nut/good") + b"/t\xfcr.png"))),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_a_bad_folder_is_refused(place, mlff, name):
    case = FOLDERS[name]
    case.spoil(place)
    refused(mlff, name, (*FOLDER, *case.words), *case.expected)


def test_odd_manifests_are_taken(place, mlff):
    odd = place / "images/sch\u00f6n und gut"
    odd.mkdir()
    outside = place / "elsewhere.png"
    for file, seed in ((odd / "\u6728 1.png", 5), (outside, 6)):
        Image.fromarray(picture(seed=seed)).save(file)
    rows = (place / "images/list.csv").read_text().splitlines()
    rows += ["sch\u00f6n und gut/\u6728 1.png, bad ,bolt", f"{outside},good,nut"]
    text = "\ufeff" + "\r\n".join(rows) + "\r\n"
    (place / "images/list.csv").write_bytes(text.encode())
    code, said = mlff(*CSV, "data.allow_outside_root=true", "method.epochs=1")
    assert code == 0, said


def test_targets_need_a_regressor(place, mlff):
    rows = [f"bolt/{c}/{i}.png,{i}" for c in ("bad", "good") for i in range(4)]
    (place / "images/list.csv").write_text("\n".join(["path,target_x", *rows]))
    refused(mlff, "classifier on targets", CSV, "head=classifier", "head=regressor")


@pytest.mark.parametrize("head", ["classifier", "multi_label"])
def test_images_without_any_label_are_refused_before_a_run_begins(place, mlff, head):
    rows = [
        f"{p}/{c}/{i}.png,,{p}" for p in ("bolt", "nut") for c in ("bad", "good") for i in range(4)
    ]
    (place / "images/list.csv").write_text("\n".join(["path,labels,product", *rows]))
    name, words = f"no label at all, {head}", (*CSV, f"head={head}")
    before = sorted(place.glob("runs/*/*"))
    said = refused(mlff, name, words, "none of its 8 images has a label")
    assert "UserWarning" not in said
    assert sorted(place.glob("runs/*/*")) == before


def test_an_image_without_a_label_is_refused_by_a_classifier_before_a_run_begins(place, mlff):
    manifest("bolt/bad/0.png,,bolt", header="path,labels,product")(place)
    file = place / "images/list.csv"
    file.write_text(file.read_text().replace("bolt/bad/0.png,bad,bolt\n", ""))
    before = sorted(place.glob("runs/*/*"))
    refused(mlff, "classifier on no label", CSV, "bolt/bad/0.png", "0 labels", "head=multi_label")
    assert sorted(place.glob("runs/*/*")) == before


def test_a_multi_label_task_of_one_class_is_learned(place, mlff):
    rows = [f"{p}/{c}/{i}.png,{'worn' if c == 'bad' else ''},{p}"
            for p in ("bolt", "nut") for c in ("bad", "good") for i in range(4)]  # fmt: skip
    (place / "images/list.csv").write_text("\n".join(["path,labels,product", *rows]))
    code, said = mlff(*CSV, "head=multi_label", "method.epochs=1")
    assert code == 0, said
    assert "learning mAP" in said


def test_a_batch_of_four_images_is_learned(place, mlff):
    rows = [f"{p}/{c}/{i}.png,{c},{'large' if p == 'bolt' or c == 'bad' else 'small'}"
            for p in ("bolt", "nut") for c in ("bad", "good") for i in range(4)]  # fmt: skip
    rows = [row.replace("bad,large", "bad,small") if "nut/bad/0" in row else row for row in rows]
    rows = [row for row in rows if "nut/good/0" not in row]
    (place / "images/list.csv").write_text("\n".join(["path,label,batch", *rows]))
    code, said = mlff(*CSV, "schedule=by_batch", "method.epochs=1")
    assert code == 0, said
    assert "2/2 small" in said


def test_several_labels_need_another_head(place, mlff):
    manifest(header="path,labels,product")(place)
    file = place / "images/list.csv"
    file.write_text(file.read_text().replace(",bad,", ",bad;worn,"))
    refused(mlff, "classifier on several labels", CSV, "head=classifier", "head=multi_label")
