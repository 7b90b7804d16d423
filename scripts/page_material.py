"""The images and lists that README and docs/ call their reader's own."""

import csv
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mlff_cli.data.roughness import Roughness
from mlff_cli.data.surfaces import Surfaces
from mlff_cli.data.surfaces_thermal import SurfacesThermal
from mlff_cli.tasks.modalities import MultimodalImage
from mlff_cli.tasks.record import Record

PRODUCTS = {"brushed_metal": "bolt", "woven_fabric": "nut", "glazed_ceramic": "washer"}
"""The products of the reader, by what is drawn for them."""

LABELLED = 40
"""Images of each class that have a label; the other ones of the bolt are new."""


def prepare(folder: Path) -> None:
    """Write the images of a reader: labelled, new, with a thermal image, with a number."""
    drawn = Surfaces(image_size=160, images_per_class=60).records()
    labelled = [record for record in drawn if number_of(record) < LABELLED]
    for root in ("path/to/images", "images"):
        write([r for r in labelled if r.product != "glazed_ceramic"], folder / root)
    write([r for r in labelled if r.product == "glazed_ceramic"], folder / "new_product")
    new = [r for r in drawn if number_of(r) >= LABELLED and r.product == "brushed_metal"]
    for root in ("new", "path/to/new_images"):
        for record in new:
            save(record, folder / root / f"bolt_{record.labels[0]}_{number_of(record)}.png")
    for record in SurfacesThermal(image_size=96, images_per_class=20).records():
        save(record, folder / "parts" / name_of(record))
    for record in Roughness(image_size=96, images_per_class=12).records():
        save(record, folder / "ground" / name_of(record))


def write(records: Iterable[Record], root: Path) -> None:
    """Save images as <root>/<product>/<class>/<number>.png."""
    for record in records:
        save(record, root / name_of(record))


def save(record: Record, file: Path) -> None:
    """Save the image of a record; that of a thermal camera beside it, as `x_thermal.png`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(record.image, MultimodalImage):
        for name, image in record.image.parts:
            ending = "_thermal" if name == "thermal" else ""
            Image.fromarray(np.asarray(image.load())).save(file.with_stem(file.stem + ending))
    else:
        Image.fromarray(np.asarray(record.image.load())).save(file)


def name_of(record: Record) -> str:
    """Return where the image of a record lies below its folder."""
    product = PRODUCTS.get(record.product, record.product)
    batch = f"{record.batch}/" if record.batch else ""
    return f"{product}/{batch}{record.labels[0]}/{number_of(record):03}.png"


def number_of(record: Record) -> int:
    """Return the number of a record among those of its class."""
    return int(record.name.rpartition("/")[2])


def write_lists(command: str, folder: Path) -> None:
    """Write the lists that a command reads, as its reader would have written them."""
    words = shlex.split(command)
    if "data.file=images.csv" in words:
        files = sorted((folder / "images").rglob("*.png"))
        write_rows(folder / "images.csv", [image_row(file, words, folder) for file in files])
    if "data.file=parts.csv" in words:
        files = [f for f in (folder / "parts").rglob("*.png") if not f.stem.endswith("_thermal")]
        write_rows(folder / "parts.csv", [part_row(file, folder) for file in sorted(files)])
    if "data.file=list.csv" in words:
        records = Roughness(image_size=96, images_per_class=12).records()
        write_rows(folder / "list.csv", [ground_row(record) for record in records])
    for name in {"first.csv", "second.csv"} & {word.partition("=")[2] for word in words}:
        if (folder / name).is_file() and f"output={name}" not in words:
            fill_in(folder / name)


def image_row(file: Path, words: Sequence[str], folder: Path) -> dict[str, str]:
    """Return the row of one image, as wide as the head asks for."""
    product, label, name = file.relative_to(folder / "images").parts
    number = int(Path(name).stem)
    row = {"path": str(file.relative_to(folder)), "product": product}
    if "head=multi_label" in words:
        return row | {"labels": f"{label};seen" if number % 2 else label, "batch": f"b{number % 2}"}
    if "head=regressor" in words:
        image = np.asarray(Image.open(file).convert("L"))
        return row | {"target_brightness": f"{image.mean():.3f}"}
    return row | {"label": label}


def part_row(file: Path, folder: Path) -> dict[str, str]:
    """Return the row of a part that two cameras saw."""
    product, label, _ = file.relative_to(folder / "parts").parts
    thermal = file.with_stem(f"{file.stem}_thermal")
    paths = {"path": file, "path_thermal": thermal}
    there = {column: str(path.relative_to(folder)) for column, path in paths.items()}
    return there | {"product": product, "label": label}


def ground_row(record: Record) -> dict[str, str]:
    """Return the row of a ground surface."""
    return {
        "path": f"ground/{name_of(record)}",
        "Ra_micrometres": f"{record.targets[0]:.4f}",
        "batch": record.batch,
    }


def fill_in(file: Path) -> None:
    """Fill in the empty labels of a list of `mlff data suggest`: file names tell them here."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        row["label"] = Path(row["path"]).stem.split("_")[1]
    write_rows(file, rows)


def write_rows(file: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write a CSV file with the columns of its first row."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
