"""Every kind of bad input: one message that says what and where, the right exit code, no harm."""

import errno
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file
from tiny_task import (
    TINY,
    Command,
    command,
    fingerprints,
    huge_png,
    picture,
    write_manifest,
)

from mlff_cli.data.decoding import decode
from mlff_cli.data.files import FileImage
from mlff_cli.results.run_folder import RunFolder

HERE = "paths.runs=runs", "paths.features=features"
FOLDER = ("train", *TINY, *HERE, "dataset=folder", "data.root=images")
CSV = ("train", *TINY, *HERE, "dataset=csv", "data.file=images/list.csv")
SURFACES = (
    "train", "task=surface_defect", "data.image_size=32", "data.images_per_class=4",
    "trainer.device=cpu", "trainer.workers=0", "method.epochs=2", *HERE,
)  # fmt: skip
STATED = 100
"""As many bad inputs as the README says are tried, or more."""

TRIED: set[str] = set()


@pytest.fixture
def mlff(capsys: pytest.CaptureFixture[str]) -> Command:
    return command(capsys)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, a manifest over them, a finished run and its features."""
    from mlff_cli.cli import main

    folder = tmp_path_factory.mktemp("finished")
    write_manifest(folder / "images")
    before = Path.cwd()
    os.chdir(folder)
    try:
        with pytest.raises(SystemExit) as end:
            main([*FOLDER])
    finally:
        os.chdir(before)
    assert end.value.code == 0
    return folder


@pytest.fixture
def place(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of that folder as the current one; what was finished there must stay as it is."""
    folder = tmp_path / "place"
    shutil.copytree(finished, folder, symlinks=True)
    monkeypatch.chdir(folder)
    yield folder
    if (folder / "harm me").exists():
        return
    assert fingerprints(folder / "runs" / run_of(finished)) == fingerprints(
        finished / "runs" / run_of(finished)
    )


def run_of(folder: Path) -> Path:
    """Return the finished run of a place, from its folder of runs."""
    return next(folder.glob("runs/custom/mlff-*/DONE")).parent.relative_to(folder / "runs")


def refused(mlff: Command, name: str, words: tuple[str, ...], *expected: str, code: int = 2) -> str:
    """Run a command that must fail, with one message that holds all that is expected."""
    TRIED.add(name)
    found, said = mlff(*words)
    assert found == code, said
    for text in expected:
        assert text in said, said
    assert "Traceback" not in said
    assert "internal error" not in said
    assert said.count("mlff: ") == 1
    return said


# --- images


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def saved(**options: object) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(picture((96, 96, 3))).save(path, **options)


def cut_jpeg(path: Path) -> None:
    saved(format="JPEG")(path)
    cut(path)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.png")


def circular_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture((24, 48, 3))).save(path, format="JPEG", exif=exif)
    assert decode(path).shape == (48, 24, 3)


BAD_IMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated PNG": (cut, "truncated or damaged"),
    "truncated JPEG": (cut_jpeg, "truncated or damaged"),
    "zero bytes": (lambda path: path.write_bytes(b""), "is empty (0 bytes)"),
    "text named .png": (lambda path: path.write_text("hello"), "is not an image"),
    "folder named .png": (folder_instead, "is a folder, not an image file"),
    "1x1 pixel": (lambda path: Image.new("L", (1, 1)).save(path), "is 1 x 1, smaller than"),
    "decompression bomb": (huge_png, "megapixels"),
    "broken link": (broken_link, "nowhere.png, which does not exist"),
    "link in a circle": (circular_link, "3.png"),
    "named pipe": (pipe, "is a pipe or a device"),
    "floating-point pixels": (
        lambda path: Image.fromarray(picture((24, 24)).astype("f4")).save(path, format="TIFF"),
        "floating-point pixels",
    ),
    "PostScript named .png": (
        lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        "is not an image",
    ),
}
GOOD_IMAGES: dict[str, Callable[[Path], object]] = {
    "16-bit": lambda path: Image.fromarray(picture((24, 24), top=65536)).save(path),
    "palette": lambda path: Image.fromarray(picture()).convert("P").save(path),
    "RGBA": lambda path: Image.fromarray(picture((24, 24, 4))).save(path),
    "CMYK": lambda path: Image.fromarray(picture((24, 24, 4)), "CMYK").save(path, format="TIFF"),
    "1-bit": lambda path: Image.fromarray(picture()).convert("1").save(path),
    "EXIF-rotated": rotated,
    "animated": lambda path: Image.fromarray(picture()).save(
        path, save_all=True, append_images=[Image.fromarray(picture(seed=1))]
    ),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_a_bad_image_is_named(place, mlff, name):
    spoil, problem = BAD_IMAGES[name]
    spoil(place / "images/bolt/good/3.png")
    refused(mlff, name, (*FOLDER, "seed=1"), "3.png", problem, "data.on_bad_image=skip")


def test_bad_images_can_be_left_out_and_odd_ones_are_taken(place, mlff):
    for number, make in enumerate(GOOD_IMAGES.values()):
        make(place / f"images/bolt/good/odd{number}.png")
    for number, (spoil, _) in enumerate(BAD_IMAGES.values()):
        file = place / f"images/nut/bad/spoilt{number}.png"
        shutil.copy(place / "images/nut/bad/0.png", file)
        spoil(file)
    skip = (*FOLDER, "data.on_bad_image=skip")
    refused(mlff, "more bad images than stated", skip, "data.bad_image_limit=0.05 lets")
    code, said = mlff(*skip, "data.bad_image_limit=0.5", "method.batch_size=4096")
    assert code == 0, said
    assert f"{len(BAD_IMAGES)} of " in said
    runs = [done.parent for done in place.glob("runs/custom/*/DONE")]
    (run,) = [run for run in runs if run.relative_to(place / "runs") != run_of_first(place)]
    spoilt = {f"nut/bad/spoilt{number}.png" for number in range(len(BAD_IMAGES))}
    for file in ("env.json", "summary.json"):
        listed = json.loads((run / file).read_text())["skipped_images"]
        assert {name for name, _ in listed} == spoilt
    assert f"## {len(spoilt)} images left out" in (run / "results.md").read_text()
    splits = (run / "splits.csv").read_text()
    assert "spoilt" not in splits
    assert splits.count("odd") == len(GOOD_IMAGES)


def run_of_first(place: Path) -> Path:
    """Return the run that stood there before."""
    first = min(place.glob("runs/custom/*/DONE"), key=lambda done: done.stat().st_mtime_ns)
    return first.parent.relative_to(place / "runs")


def test_an_image_that_may_not_be_read_is_named(place, mlff, monkeypatch):
    denied = (place / "images/nut/good/1.png").resolve()
    original = Image.open

    def opened(path, *args, **kwargs):
        if Path(path) == denied:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return original(path, *args, **kwargs)

    monkeypatch.setattr("mlff_cli.data.decoding.Image.open", opened)
    refused(mlff, "unreadable image", (*FOLDER, "seed=1"), "nut/good/1.png", "permission denied")


@pytest.mark.parametrize("on_bad_image", ["error", "skip"])
@pytest.mark.parametrize("moment", ["before hashing", "before decoding"])
def test_an_image_that_vanishes_is_named(place, mlff, monkeypatch, on_bad_image, moment):
    file = place / "images/nut/good/1.png"
    Image.fromarray(picture(seed=77)).save(file)  # not in the store
    target, said = {
        "before hashing": ("mlff_cli.data.files.usable", "No such file"),
        "before decoding": ("mlff_cli.features.features.identities", "does not exist"),
    }[moment]
    module, _, name = target.rpartition(".")
    original = getattr(sys.modules[module], name)

    def vanish(*arguments):
        result = original(*arguments)
        file.unlink()
        return result

    monkeypatch.setattr(target, vanish)
    words = (*FOLDER, f"data.on_bad_image={on_bad_image}", "data.bad_image_limit=0.5", "seed=1")
    refused(mlff, f"vanished {moment}, {on_bad_image}", words, "nut/good/1.png", said)


# --- manifests and folders


@dataclass(frozen=True)
class Spoilt:
    """What is done to the place, what is added to the command, what must be said."""

    expected: tuple[str, ...]
    spoil: Callable[[Path], object] = lambda place: None
    words: tuple[str, ...] = ()


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
        ("no image is left to train on",),
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
    "classes of one image": Spoilt(("cannot be tested",), one_image),
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


# --- configs


def other_config(place: Path) -> None:
    (place / "harm me").touch()
    file = place / "runs" / run_of(place) / "config.yaml"
    file.write_text(file.read_text().replace("seed: 0", "seed: 7"))


CONFIGS = {
    "unknown key": (("method.epohcs=3",), ("'method.epohcs'", "method.epochs")),
    "unknown group": (("optimiser=adam",), ("'optimiser'",)),
    "unknown choice": (("method=mlf",), ("'mlf'", "mlff")),
    "unknown experiment": (("experiment=nothing",), ("nothing",)),
    "text for a number": (("method.epochs=many",), ("method.epochs", "whole number", "'many'")),
    "fraction for a whole number": (("method.epochs=1.5",), ("method.epochs", "whole number")),
    "number for a list": (("backbone.levels=3",), ("backbone.levels", "list")),
    "text for true or false": (("features.store=perhaps",), ("features.store", "true or false")),
    "value for a section": (("method.epochs.x=1",), ("method.epochs",)),
    "no epochs": (("method.epochs=0",), ("method.epochs", "at least 1")),
    "negative epochs": (("method.epochs=-1",), ("method.epochs", "at least 1")),
    "batch of none": (("method.batch_size=0",), ("method.batch_size", "at least")),
    "negative batch": (("trainer.batch_size=-4",), ("trainer.batch_size", "at least")),
    "image size of none": (("data.image_size=0",), ("data.image_size", "at least")),
    "negative image size": (("data.image_size=-32",), ("data.image_size", "at least")),
    "fusion of no width": (("fusion.width=0",), ("fusion.width", "at least")),
    "learning rate of none": (("method.learning_rate=0",), ("method.learning_rate", "between")),
    "learning rate NaN": (("method.learning_rate=nan",), ("method.learning_rate", "a number")),
    "dropout of all": (("fusion.dropout=1.5",), ("fusion.dropout", "between")),
    "seed that is no number": (("seed=lucky",), ("seed", "'lucky'")),
    "negative seed": (("seed=-1",), ("seed", "at least 0")),
    "all in test": (("splits.test=1.0",), ("splits.test", "between")),
    "shares above all": (
        ("splits.test=0.6", "splits.validation=0.6"), ("splits.test=0.6", "splits.validation=0.6")),
    "unknown split": (("splits.scored=training",), ("splits.scored", "test, validation")),
    "unknown device": (("trainer.device=tpu",), ("trainer.device", "cpu, cuda")),
    "unknown precision": (("trainer.precision=fp8",), ("trainer.precision", "bf16")),
    "unknown level": (
        ("backbone.levels=[blocks.0,attic]", "features.store=false"), ("'attic'", "blocks.")),
    "regressor on labels": (("head=regressor",), ("head=regressor", "head=classifier")),
    "unknown augmentation": (
        ("method=finetune", "method.augmentation=[twirls]"), ("'twirls'", "true or false")),
    "unknown order": (("order=[bolt,screw]",), ("order", "'screw'")),
    "order without all": (("order=[bolt]",), ("order", "nut")),
    "order with one twice": (("order=[bolt,bolt,nut]",), ("order", "twice")),
    "unknown unseen": (
        ("schedule=unseen_product", "schedule.unseen=[screw]"), ("schedule.unseen", "'screw'")),
    "nothing to train on": (
        ("schedule=unseen_product", "schedule.unseen=[bolt,nut]"), ("nothing is left",)),
    "several values at once": (("seed=0,1",), ("seed", "sweep")),
    "an open bracket": (("order=[bolt",), ("order", "'[bolt'", "[a,b]")),
    "no value": (("data",), ("data",)),
    "a reference to nothing": (("seed=${nothing}",), ("seed", "nothing", "cannot be filled in")),
    "a reference in a circle": (("seed=${seed}",), ("seed", "cannot be filled in")),
    "a run folder that is a file": (("paths.runs=images/list.csv",), ("list.csv", "paths.runs")),
    "a feature folder that is a file": (
        ("paths.features=images/list.csv", "seed=1"), ("list.csv",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_a_bad_config_is_refused(place, mlff, name):
    words, expected = CONFIGS[name]
    refused(mlff, f"config: {name}", (*FOLDER, *words), *expected)


def test_a_device_that_is_not_there(place, mlff, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    words = (*FOLDER, "trainer.device=cuda", "seed=1")
    refused(mlff, "device that is not there", words, "'cuda' is not there", "cpu")


def test_targets_need_a_regressor(place, mlff):
    rows = [f"bolt/{c}/{i}.png,{i}" for c in ("bad", "good") for i in range(4)]
    (place / "images/list.csv").write_text("\n".join(["path,target_x", *rows]))
    refused(mlff, "classifier on targets", CSV, "head=classifier", "head=regressor")


def test_several_labels_need_another_head(place, mlff):
    manifest(header="path,labels,product")(place)
    file = place / "images/list.csv"
    file.write_text(file.read_text().replace(",bad,", ",bad;worn,"))
    refused(mlff, "classifier on several labels", CSV, "head=classifier", "head=multi_label")


def test_a_run_folder_of_another_config(place, mlff):
    other_config(place)
    refused(mlff, "run folder of another config", FOLDER, "config.yaml", "another config")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("trian",), "did you mean 'train'?"),
        (("evaluate",), "run=..."),
        (("evaluate", "runs/custom"), "is no run folder"),
        (("evaluate", "nowhere"), "is no run folder"),
        (("verify", "images"), "is no run folder"),
        (("verify", "one", "two"), "one run folder"),
        (("report", "nowhere"), "no such folder"),
        (("report", "images"), "no finished run"),
        (("list", "weather"), "'weather'"),
        (("list", "head", "method"), "one group"),
    ],
)
def test_bad_words(place, mlff, words, expected):
    refused(mlff, " ".join(words), words, expected)


# --- weights and adapters


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    """The tensors that the usual backbone has, under timm's names."""
    from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0

    recipe = EfficientNetLite0(image_size=32, weights=None, levels=[])
    return {name: t.numpy() for name, t in (recipe.state(recipe.weights_file) or {}).items()}


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("executed",))


def pickled_bomb(path: Path) -> None:
    path.write_bytes(pickle.dumps({"conv_stem.weight": Bomb()}))


def torch_bomb(path: Path) -> None:
    import torch

    torch.save({"conv_stem.weight": Bomb()}, path)


WEIGHTS = {
    "weights missing": (lambda path, state: None, "w.safetensors", "there is no file"),
    "weights of another architecture": (
        lambda path, state: save_file({"fc.weight": np.zeros((2, 2), "f4")}, path),
        "w.safetensors", "no weights of"),
    "weights truncated": (
        lambda path, state: (save_file(state, path), cut(path)), "w.safetensors", "cannot be read"),
    "weights of another shape": (
        lambda path, state: save_file(
            {**state, "conv_stem.weight": np.zeros((3, 3, 3, 3), "f4")}, path),
        "w.safetensors", "no weights of"),
    "weights with NaN": (
        lambda path, state: save_file(
            {**state, "bn1.weight": np.full_like(state["bn1.weight"], np.nan)}, path),
        "w.safetensors", "NaN"),
    "weights of zero bytes": (
        lambda path, state: path.write_bytes(b""), "w.safetensors", "cannot be read"),
    "weights that are a pickle with code": (
        lambda path, state: pickled_bomb(path), "w.pth", "not loaded"),
    "weights of torch with code": (lambda path, state: torch_bomb(path), "w.pth", "not loaded"),
    "a pickle named .safetensors": (
        lambda path, state: pickled_bomb(path), "w.safetensors", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", WEIGHTS)
def test_bad_weights_are_refused(place, mlff, weights, name):
    make, file, expected = WEIGHTS[name]
    make(place / file, weights)
    refused(mlff, name, (*FOLDER, f"backbone.weights={file}"), file, expected)
    assert not (place / "executed").exists()


def rewritten(place: Path, name: str, change: Callable[[str], str]) -> None:
    file = place / "runs" / run_of(place) / name
    file.write_text(change(file.read_text()))


def tensors_replaced(place: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change every tensor of the adapters and let the hashes fit."""
    import torch

    from mlff_cli.continual.adapters_file import save_adapters

    folder = place / "runs" / run_of(place) / "adapters"
    description = json.loads((folder / "adapters.json").read_text())
    state = load_file(folder / "adapters.safetensors")
    save_adapters(
        folder,
        {name: torch.from_numpy(change(tensor)) for name, tensor in state.items()},
        fingerprint=description["backbone"],
        heads=description["heads"],
    )


def newer(place: Path) -> None:
    rewritten(place, "adapters/adapters.json", lambda t: t.replace('"format": 1', '"format": 99'))


def adapters_file(place: Path) -> Path:
    return place / "runs" / run_of(place) / "adapters" / "adapters.safetensors"


RUNS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "adapters missing": (lambda p: adapters_file(p).unlink(), ("adapters.safetensors", "No such")),
    "adapters truncated": (lambda p: cut(adapters_file(p)), ("adapters.safetensors", "damaged")),
    "adapters that are a pickle": (lambda p: pickled_bomb(adapters_file(p)), ("damaged",)),
    "adapters with NaN": (
        lambda p: tensors_replaced(p, lambda t: np.full_like(t, np.nan) if t.dtype == "f4" else t),
        ("NaN",)),
    "adapters of another shape": (
        lambda p: tensors_replaced(p, lambda t: np.zeros((3, *t.shape), t.dtype)),
        ("adapters", "does not fit")),
    "adapters of a newer format": (newer, ("adapters.json", "format 99", "pip install -U")),
    "adapters of another backbone": (
        lambda p: rewritten(p, "config.yaml", lambda t: t.replace("size: 32", "size: 40")),
        ("another backbone", "fingerprint")),
    "adapters' description cut off": (
        lambda p: rewritten(p, "adapters/adapters.json", lambda t: t[:50]), ("adapters.json",)),
    "adapters' description a list": (
        lambda p: rewritten(p, "adapters/adapters.json", lambda t: "[1, 2]"), ("adapters.json",)),
    "config that is no YAML": (
        lambda p: rewritten(p, "config.yaml", lambda t: "seed: [1"), ("config.yaml", "damaged")),
    "config with an unknown key": (
        lambda p: rewritten(p, "config.yaml", lambda t: t + "extra: 1\n"), ("'extra'",)),
    "config without a section": (
        lambda p: rewritten(p, "config.yaml", lambda t: t[: t.index("method:")]), ("choice",)),
    "config with a Python object": (
        lambda p: rewritten(
            p, "config.yaml", lambda t: t + "x: !!python/object/apply:os.mkdir [executed]\n"),
        ("config.yaml", "damaged")),
    "matrix cut off": (
        lambda p: rewritten(p, "matrix.csv", lambda t: "seed,value\n"), ("matrix.csv",)),
    "matrix with text for a number": (
        lambda p: rewritten(p, "matrix.csv", lambda t: t.replace("\n0,", "\nzero,")), ("seed",)),
    "env.json cut off": (lambda p: rewritten(p, "env.json", lambda t: t[:30]), ("env.json",)),
    "env.json without facts": (lambda p: rewritten(p, "env.json", lambda t: "{}"), ("env.json",)),
    "not finished": (
        lambda p: (p / "runs" / run_of(p) / "DONE").unlink(), ("not finished", "mlff train")),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_bad_run_folder_is_refused(place, mlff, name):
    spoil, expected = RUNS[name]
    (place / "harm me").touch()
    run = place / "runs" / run_of(place)
    spoil(place)
    refused(mlff, name, ("evaluate", str(run), "trainer.device=cpu", *HERE), *expected)
    assert not (place / "executed").exists()


def test_another_manifest_may_be_all_in_test(place, mlff):
    rows = [f"bolt/{label}/{n}.png,{label},bolt,test" for label in ("bad", "good") for n in (0, 1)]
    (place / "images/list.csv").write_text("\n".join(["path,label,product,split", *rows]))
    run = place / "runs" / run_of(place)
    words = ("evaluate", str(run), "dataset=csv", "data.file=images/list.csv", *HERE)
    code, said = mlff(*words, "trainer.device=cpu")
    assert code == 0, said
    (place / "images/list.csv").write_text("path,label,product\nbolt/bad/0.png,worn,bolt\n")
    refused(mlff, "label that no head knows", words, "'worn'", "bad, good")


# --- the machine


def mounted(folder: Path, *options: str) -> bool:
    """Mount a small file system in memory; false where that is not permitted."""
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    folder = place / "disk"
    if not mounted(folder, "-o", "size=128k"):
        pytest.skip("mounting a file system is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_and_a_read_only_one(place, mlff, small_disk):
    words = (*FOLDER, "paths.runs=disk")
    refused(mlff, "disk full", words, "disk/", "no space is left", "takes the run up again")
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    anew = (*FOLDER, "paths.features=disk/features", "data.image_size=40")
    refused(
        mlff, "disk of the features full", anew, "disk/features", "no space left", "paths.features"
    )
    filler.unlink()
    remount = ["mount", "-o", "remount,size=64m", str(small_disk)]
    subprocess.run(remount, check=True)
    code, said = mlff(*words)
    assert code == 0, said
    (matrix,) = place.glob("disk/custom/*/matrix.csv")
    assert matrix.read_bytes() == (place / "runs" / run_of(place) / "matrix.csv").read_bytes()
    subprocess.run([*remount[:2], "remount,ro", str(small_disk)], check=True)
    refused(mlff, "read-only run folder", words, "disk/", "cannot be written", "paths.runs")


def test_a_full_disk_is_told_where_none_can_be_mounted(place, mlff, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("mlff_cli.results.atomic.os.fsync", full)
    refused(mlff, "disk full at once", (*FOLDER, "seed=1"), "runs/custom/", "No space left")


def fail_above(batch: int, error: Exception) -> Callable[..., object]:
    from mlff_cli.backbones.network import Backbone

    forward = Backbone.forward

    def limited(self, images):
        if len(images) > batch:
            raise error
        return forward(self, images)

    return limited


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA out of memory. Tried to allocate"), MemoryError()],
    ids=["cuda", "cpu"],
)
def test_extraction_halves_its_batch_when_memory_runs_out(place, mlff, monkeypatch, error):
    TRIED.add(f"out of memory in extraction, {type(error).__name__}")
    monkeypatch.setattr("mlff_cli.backbones.network.Backbone.forward", fail_above(2, error))
    code, said = mlff(*FOLDER, "paths.runs=new", "paths.features=anew")
    assert code == 0, said
    assert "out of memory" in said
    assert "2 images at a time" in said
    (matrix,) = place.glob("new/custom/*/matrix.csv")
    rows, before = (np.genfromtxt(f, delimiter=",", usecols=4, skip_header=1)
                    for f in (matrix, place / "runs" / run_of(place) / "matrix.csv"))  # fmt: skip
    np.testing.assert_allclose(rows, before, atol=0.01)


def test_memory_that_suffices_for_no_image_is_told(place, mlff, monkeypatch):
    error = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
    monkeypatch.setattr("mlff_cli.backbones.network.Backbone.forward", fail_above(0, error))
    words = (*FOLDER, "seed=1", "paths.features=anew")
    refused(mlff, "out of memory for one image", words, "out of memory", "data.image_size")


def test_a_worker_process_that_dies_is_told(place, mlff, monkeypatch):
    from torch.utils.data import get_worker_info

    load = FileImage.load

    def die(self):
        if get_worker_info() is not None:
            os.kill(os.getpid(), 9)
        return load(self)

    monkeypatch.setattr(FileImage, "load", die)
    words = (*FOLDER, "trainer.workers=1", "trainer.batch_size=4", "paths.features=anew", "seed=1")
    refused(mlff, "worker process dies", words, "was killed", "trainer.workers=0")


def test_a_bad_image_is_named_by_a_worker_process(place, mlff):
    cut(place / "images/bolt/good/3.png")
    words = (*FOLDER, "trainer.workers=1", "trainer.batch_size=4", "seed=1")
    refused(mlff, "bad image in a worker process", words, "3.png", "truncated or damaged")


def test_a_clock_that_jumps_changes_nothing(place, mlff, monkeypatch):
    TRIED.add("clock that jumps")
    now, jumps = time.time, cycle([0.0, 1e9, -1e9])
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))
    code, said = mlff(*FOLDER, "paths.runs=new", "paths.features=anew")
    assert code == 0, said
    (matrix,) = place.glob("new/custom/*/matrix.csv")
    assert matrix.read_bytes() == (place / "runs" / run_of(place) / "matrix.csv").read_bytes()


HOLD = """
import sys
from pathlib import Path
from mlff_cli.results.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_runs_of_one_config(place, mlff):
    run = place / "runs" / run_of(place)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        refused(mlff, "two runs of one config", FOLDER, str(holder.pid), "this very config")
    finally:
        holder.kill()
        holder.communicate()
    (note,) = run.glob(".running")  # the killed one could not remove it
    code, said = mlff(*FOLDER)
    assert code == 0, said
    assert not note.exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=str)
def test_a_loss_that_is_no_number_keeps_the_last_good_state(place, mlff, monkeypatch, value):
    import torch

    from mlff_cli.heads.classifier import Classifier

    loss, count = Classifier.loss, iter(range(1000))

    def diverge(self, outputs, targets):
        good = loss(self, outputs, targets)
        return good if next(count) < 3 else good * torch.tensor(value)

    words = (*FOLDER, "paths.runs=new", "method.epochs=3")
    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "loss", diverge)
        refused(
            mlff, f"loss {value}", words, "experience 2 'nut'", str(value), "epoch 1, step 1",
            "method.learning_rate",
        )  # fmt: skip
    (state,) = place.glob("new/custom/*/state/*")
    assert state.name.startswith("experiences")
    if value == float("inf"):
        return
    code, said = mlff(*words)
    assert code == 0, said
    assert "taken up behind experience 1 of 2" in said
    code, _ = mlff(*words, "paths.runs=whole")
    (one,), (other,) = (
        place.glob("new/custom/*/matrix.csv"),
        place.glob("whole/custom/*/matrix.csv"),
    )
    assert one.read_bytes() == other.read_bytes()


def test_a_sweep_goes_on_behind_a_run_that_fails(place, mlff, monkeypatch):
    from mlff_cli.continual import runner

    learn = runner._learn

    def fail(method, step):
        if method.context.seed == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")
        return learn(method, step)

    monkeypatch.setattr(runner, "_learn", fail)
    code, said = mlff("sweep", *FOLDER[1:], "paths.runs=swept", "seed=1,2")
    TRIED.add("a sweep with a run that fails")
    assert code == 1
    assert "somewhere: no space is left" in said
    assert "Traceback" not in said
    finished = [
        RunFolder(file.parent).finished for file in place.glob("swept/custom/*/config.yaml")
    ]
    assert sorted(finished) == [False, True]


def test_a_bug_is_one_line_and_a_traceback_only_on_demand(place, mlff, monkeypatch):
    def bug(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("mlff_cli.commands.train.learn_sequence", lambda *_, **__: bug())
    code, said = mlff(*FOLDER, "seed=1")
    assert code == 1
    assert "internal error, ZeroDivisionError: a bug (train.py, line" in said
    assert "Traceback" not in said
    code, said = mlff(*FOLDER, "seed=1", "--debug")
    assert code == 1
    assert "Traceback" in said


def test_as_many_bad_inputs_as_stated(capsys):
    """Counts what the tests above have tried; meaningful only after all of them."""
    everything = len(BAD_IMAGES) + len(MANIFESTS) + len(FOLDERS) + len(CONFIGS) + len(WEIGHTS)
    with capsys.disabled():
        print(f"\nbad inputs tried: {len(TRIED)}")
    assert everything + len(RUNS) >= STATED
    assert len(TRIED) >= STATED or len(TRIED) < everything  # part of the tests was chosen
