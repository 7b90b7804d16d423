"""``mlff data suggest``: which images to label next, as a list to be filled in and a sheet."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlff_cli.audit.contact_sheet import Sheet, write_sheet
from mlff_cli.audit.typical import Pick, doubtful, typical_and_outlying
from mlff_cli.data.asked import asked_images
from mlff_cli.data.files import FileImage
from mlff_cli.data.manifest import read_manifest
from mlff_cli.errors import UserError
from mlff_cli.features.features import Features
from mlff_cli.features.pooling import LevelInput
from mlff_cli.runs.answer import content_of, image_of
from mlff_cli.runs.building import build_device, build_features
from mlff_cli.runs.deployed import of_run
from mlff_cli.runs.reopen import reopen
from mlff_cli.runs.splits_file import DIGITS
from mlff_cli.system.files import write_atomically
from mlff_cli.system.logs import logging_to
from mlff_cli.tasks.record import ImageSource, Record

NAME, LIST, SHEET = "to_label.csv", ".csv", ".png"
ROW = 8
"""Images in a row of the sheet."""


def run(config: Mapping[str, Any]) -> int:
    """Write the list and the sheet."""
    # An image beside a list of the same name is the sheet of that.
    asked = [path for path in asked_images(_words(config)) if not _list_of(path).exists()]
    images = _once(asked)
    labelled = _labelled(config["labelled"])
    budget = config["budget"]
    output = _output(config["output"])
    with logging_to(None):
        choose = _doubtful if config["run"] else _unlike
        chosen = choose(config, images, labelled)
    write_atomically(output, _text(chosen, output, config["product"]))
    sheet = output.with_suffix(SHEET)
    write_sheet(_sheet(chosen), sheet)
    print(f"{budget} of {len(images)} images to be labelled: fill in the column label, then")
    print(f"mlff train dataset=csv data.file={output}{_outside(chosen, output)}")
    print(sheet)
    print(output)
    return 0


def _list_of(path: Path) -> Path:
    return path.with_suffix(LIST) if path.suffix == SHEET else path / LIST


def _outside(chosen: Sequence[tuple[Path, Pick]], output: Path) -> str:
    """Return the word by which a list of images that are not below it is read."""
    folder = output.absolute().parent.resolve()
    below = all(path.resolve().is_relative_to(folder) for path, _ in chosen)
    return "" if below else " data.allow_outside_root=true"


def _words(config: Mapping[str, Any]) -> list[str]:
    data = config["data"]
    words: list[str] = config["words"] or [w for w in (data.get("file"), data.get("root")) if w][:1]
    if not words:
        raise UserError(
            "mlff data suggest needs images: files, folders, patterns, or a CSV file with a column "
            "path: mlff data suggest new/ budget=20"
        )
    return words


def _once(paths: Sequence[Path]) -> dict[str, Path]:
    """Return files by what they hold: of copies the first.

    Raises:
        UserError: One cannot be read.
    """
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(content_of(FileImage(path)), path)
    return found


def _labelled(place: str | None) -> dict[str, Path]:
    """Return the images that have a label already, by what they hold.

    Raises:
        UserError: The list cannot be read, or some of its rows have no label.
    """
    if place is None:
        return {}
    file = Path(place).expanduser()
    manifest = read_manifest(file, must_have="path")
    column = next((name for name in ("label", "labels") if name in manifest.columns), None)
    if column is None:
        raise UserError(f"labelled={place}: there is no column 'label'; give the list filled in")
    empty = [line for line, cells in manifest.rows if not cells[column]]
    if empty:
        raise UserError(
            f"labelled={place}: {len(empty)} rows have no label yet (line {empty[0]}); fill them "
            "in, or take them out"
        )
    return _once(asked_images([place]))


def _output(text: str | None) -> Path:
    """Return the file of the list.

    Raises:
        UserError: It is there: somebody may have filled it in.
    """
    output = Path(text or NAME).expanduser()
    if output.suffix.lower() != LIST:
        raise UserError(f"output={text}: give a file that ends in .csv")
    if output.exists():
        raise UserError(
            f"{output}: is there, and labels may be filled in; give output=<another>.csv, and "
            f"labelled={output} where they are"
        )
    return output


def _unlike(
    config: Mapping[str, Any], images: Mapping[str, Path], labelled: Mapping[str, Path]
) -> list[tuple[Path, Pick]]:
    """Return typical images of groups that have no label yet, and outlying ones."""
    pool = {**images, **labelled}
    contents, paths = list(pool), list(pool.values())
    known = [place for place, content in enumerate(contents) if content in labelled]
    _refuse_few(config["budget"], len(pool) - len(known))
    features = build_features(config, build_device(config))
    bits = config["data"].get("bits")
    sources = [image_of(path, bits if isinstance(bits, int) else 16) for path in paths]
    rows = descriptors(features, sources)
    picks = typical_and_outlying(rows, config["budget"], labelled=known)
    return [(paths[pick.position], pick) for pick in picks]


def descriptors(features: Features, images: Sequence[ImageSource]) -> NDArray[np.float32]:
    """Return the largest values of all levels (N, D) of images: nothing in them is trained.

    Over all images each channel has mean 0 and deviation 1. Means instead of maxima tell one
    pattern of a surface from another, and hide small defects.
    """
    levels = [LevelInput(level.name, "max") for level in features.levels]
    columns = features.read(images, levels)[:]
    return np.concatenate([_standardised(column.double().numpy()) for column in columns], axis=1)


def _standardised(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return one level (N, C) with every channel alike, and as much in all as of any level."""
    scaled = (rows - rows.mean(0)) / (rows.std(0) + 1e-6)
    size = np.sqrt((scaled**2).sum(1).mean())
    return np.asarray(scaled / max(size, 1e-6), np.float32)


def _doubtful(
    config: Mapping[str, Any], images: Mapping[str, Path], labelled: Mapping[str, Path]
) -> list[tuple[Path, Pick]]:
    """Return the images that a run is least sure of, of those that it was not trained on."""
    path = Path(config["run"]).expanduser()
    opened = reopen(path, trainer=config["trainer"], paths=config["paths"])
    deployed = of_run(opened)
    if deployed.kind != "class":
        raise UserError("run=: only classes have a margin, and this run answers with others")
    product = deployed.product(config["product"])
    trained = opened.trained_contents
    pool = [
        image
        for content, image in images.items()
        if content not in labelled and content[:DIGITS] not in trained
    ]
    _refuse_few(config["budget"], len(pool))
    sources = [image_of(image, deployed.bits) for image in pool]
    scores = deployed.method_of(product.head).scores(product.head, sources)
    return [(pool[pick.position], pick) for pick in doubtful(scores, config["budget"])]


def _refuse_few(budget: int, there: int) -> None:
    if there < budget:
        raise UserError(
            f"budget={budget}: {there} images have no label; give a smaller budget, or label all"
        )


def _text(chosen: Sequence[tuple[Path, Pick]], output: Path, product: str | None) -> str:
    """Return the list, as dataset=csv reads it when labels are filled in."""
    text = io.StringIO()
    further = ["product"] if product else []
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "label", *further, "reason"])
    for path, pick in chosen:
        place = Path(os.path.relpath(path.absolute(), output.absolute().parent)).as_posix()
        writer.writerow([place, "", *([product] if product else []), pick.reason])
    return text.getvalue()


def _sheet(chosen: Sequence[tuple[Path, Pick]]) -> Sheet:
    """Return the images in the order of the list, a few in each row."""
    records = [Record(name=str(path), image=FileImage(path.absolute())) for path, _ in chosen]
    starts = range(0, len(records), ROW)
    rows = [
        (("", f"{start + 1} to {min(start + ROW, len(records))}"), records[start : start + ROW])
        for start in starts
    ]
    return Sheet(rows, ROW, 0)
