"""Images that cannot be used: named, or left out where that is asked for."""

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from refusals import FOLDER, cut, refused, run_of
from tiny_task import huge_png, picture

from mlff_cli.images.decoding import decode


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
    "animated": (
        lambda path: Image.fromarray(picture()).save(
            path, save_all=True, append_images=[Image.fromarray(picture(seed=1))]
        ),
        "holds 2 pages or frames",
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
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_a_bad_image_is_named(place, mlff, name):
    spoil, problem = BAD_IMAGES[name]
    spoil(place / "images/bolt/good/3.png")
    refused(mlff, name, (*FOLDER, "seed=1"), "3.png", problem, "data.on_bad_image=skip")


def test_bad_images_can_be_left_out_and_odd_ones_are_taken(place, mlff):
    before = run_of(place)
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
    (run,) = [run for run in runs if run.relative_to(place / "runs") != before]
    spoilt = {f"nut/bad/spoilt{number}.png" for number in range(len(BAD_IMAGES))}
    listed = json.loads((run / "run.json").read_text())["skipped"]
    assert {name for name, _ in listed} == spoilt
    assert f"## {len(spoilt)} images left out" in (run / "results.md").read_text()
    splits = (run / "splits.csv").read_text()
    assert "spoilt" not in splits
    assert splits.count("odd") == len(GOOD_IMAGES)


def test_an_image_that_may_not_be_read_is_named(place, mlff, monkeypatch):
    denied = (place / "images/nut/good/1.png").resolve()
    original = Image.open

    def opened(path, *args, **kwargs):
        if Path(path) == denied:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return original(path, *args, **kwargs)

    monkeypatch.setattr("mlff_cli.images.decoding.Image.open", opened)
    refused(mlff, "unreadable image", (*FOLDER, "seed=1"), "nut/good/1.png", "permission denied")


@pytest.mark.parametrize("on_bad_image", ["error", "skip"])
@pytest.mark.parametrize("moment", ["before hashing", "before decoding"])
def test_an_image_that_vanishes_is_named(place, mlff, monkeypatch, on_bad_image, moment):
    file = place / "images/nut/good/1.png"
    Image.fromarray(picture(seed=77)).save(file)  # not in the store
    target, said = {
        "before hashing": ("mlff_cli.data.files.usable", "No such file"),
        "before decoding": ("mlff_cli.runs.listing.identities", "does not exist"),
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
