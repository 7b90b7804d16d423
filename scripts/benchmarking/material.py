"""The images that are measured on: files of a dataset, or drawn ones written as files."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from mlff_cli.config.shipped import shipped
from mlff_cli.data.base import Dataset
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.data.surfaces import PRODUCTS
from mlff_cli.runs.registry import implementation
from mlff_cli.tasks.record import Record

COLUMNS = ("path", "label", "product", "batch", "group")


@dataclass(frozen=True)
class Material:
    """Image files, the manifest that lists them for `dataset=csv`, and their bare list."""

    root: Path
    manifest: Path
    listed: Path
    images: int

    @property
    def overrides(self) -> list[str]:
        """What makes `mlff train` take these images."""
        return [
            "task=custom",
            "dataset=csv",
            f"data.file={self.manifest}",
            f"data.root={self.root}",
        ]


def of_dataset(name: str, root: str | None, size: int, images: int, folder: Path) -> Material:
    """Return the images of a shipped dataset, or `images` of them at even distances.

    Drawn images are written to files first, so that both sides decode the same ones.

    Raises:
        UserError: The dataset cannot be had.
    """
    keys: dict[str, Any] = {**shipped(f"dataset/{name}"), "image_size": size}
    if root is not None:
        keys["root"] = root
    records = implementation("data", keys, Dataset)().records()
    if 0 < images < len(records):
        records = [records[number * len(records) // images] for number in range(images)]
    return written(records, folder)


def products_in_turn(products: int, images_per_class: int, size: int, folder: Path) -> Material:
    """Return drawn images of many products: the three surfaces again and again, other seeds."""
    records = []
    for number in range(products):
        surface = list(PRODUCTS)[number % len(PRODUCTS)]
        for label in PRODUCTS[surface].CLASSES[:2]:
            for index in range(images_per_class):
                parameters = {
                    "generator_seed": number,
                    "product": surface,
                    "label": label,
                    "index": index,
                    "image_size": size,
                }
                product = f"product_{number + 1:02d}"
                records.append(
                    Record(
                        name=f"{product}_{label}_{index}",
                        image=GeneratedImage("surfaces", tuple(parameters.items())),
                        labels=(label,),
                        product=product,
                    )
                )
    return written(records, folder)


def written(records: Sequence[Record], folder: Path) -> Material:
    """Write manifest and list, and as PNG the images that are in no file yet."""
    folder.mkdir(parents=True)
    files = list(_files(records, folder / "images"))
    root = Path(os.path.commonpath(files)) if len(files) > 1 else files[0].parent
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for record, path in zip(records, files, strict=True):
            place = (record.product, record.batch, record.group)
            writer.writerow((path.relative_to(root), record.labels[0], *place))
    (folder / "files.txt").write_text("\n".join(map(str, files)) + "\n", encoding="utf-8")
    return Material(root, folder / "manifest.csv", folder / "files.txt", len(files))


def _files(records: Sequence[Record], folder: Path) -> Iterator[Path]:
    folder.mkdir()
    for number, record in enumerate(records):
        path = getattr(record.image, "path", None)
        if path is None:
            path = folder / f"{number:06d}.png"
            Image.fromarray(record.image.load()).save(path, compress_level=1)
        else:
            # Read once, so that no side meets files that the system has not cached yet.
            Path(path).read_bytes()
        yield Path(path)
