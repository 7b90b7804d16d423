"""Does the network look at the defect? The light of test images against masks and boxes.

Called by `scripts/reference where <data>` in a folder of its own, where `data` is the folder of the
real images, after two runs: magnetic tiles, whose authors give masks, and steel, with boxes. Writes
results.csv and results.md.
"""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from PIL import Image

from mlff_cli.config.composition import user_cache
from mlff_cli.config.shipped import shipped
from mlff_cli.metrics.ranking import auroc
from mlff_cli.runs.reopen import OpenRun, reopen
from mlff_cli.tasks.record import Record

Mask = NDArray[np.bool_]


def main() -> None:
    """Measure both runs and write one table."""
    rows = [
        measured("magnetic tile, masks", opened("magnetic_tile"), tile_mask),
        measured("steel, boxes", opened("neu_cls"), steel_boxes),
    ]
    table = pd.DataFrame(rows)
    table.to_csv("results.csv", index=False)
    Path("results.md").write_text(text(table), encoding="utf-8")


def opened(dataset: str) -> OpenRun:
    """Return the finished run on a data set."""
    for config in sorted(Path("runs").glob("*/*/config.yaml")):
        if f"name: {dataset}\n" in config.read_text(encoding="utf-8"):
            trainer = shipped("trainer/default")
            paths = {**shipped("paths/default"), "graphs": f"{user_cache()}/graphs"}
            # Features that were stored for the run are found where it put them.
            own = yaml.safe_load(config.read_text(encoding="utf-8"))["paths"]
            return reopen(config.parent, trainer=trainer, paths={**paths, **own})
    raise SystemExit(f"there is no run on {dataset}")


def measured(
    name: str, run: OpenRun, mask_of: Callable[[Record], Mask | None]
) -> dict[str, object]:
    """Return the figures of the test images whose defect is known pixel by pixel."""
    (experience,) = run.task.experiences
    known = [(r, m) for r in experience.test if (m := mask_of(r)) is not None and 0 < m.mean() < 1]
    outputs = run.method.heads[experience.head]
    wanted = [outputs.index(record.labels[0]) for record, _ in known]
    maps = run.method.where(experience.head, [record.image for record, _ in known], wanted)
    grown = [spread(places, mask.shape) for places, (_, mask) in zip(maps, known, strict=True)]
    masks = [mask for _, mask in known]
    pairs = list(zip(grown, masks, strict=True))
    return {
        "images": name,
        "n": len(known),
        "pixel AUROC": np.mean([auroc(light.ravel(), mask.ravel()) for light, mask in pairs]),
        "maxima inside": np.mean([mask.ravel()[light.argmax()] for light, mask in pairs]),
        "by chance": np.mean([mask.mean() for mask in masks]),
    }


def spread(places: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return places (h, w) brought to the size of the image, as they are drawn."""
    height, width = shape
    image = Image.fromarray(places).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image)


def tile_mask(record: Record) -> Mask | None:
    """Return which pixels of a tile are defective; None of one that is free."""
    if record.labels == ("free",):
        return None
    file = Path(record.image.path).with_suffix(".png")  # type: ignore[attr-defined]
    return np.asarray(Image.open(file).convert("L")) > 127


def steel_boxes(record: Record) -> Mask | None:
    """Return which pixels lie in a box of the image's annotation."""
    image = Path(record.image.path)  # type: ignore[attr-defined]
    file = image.parents[1] / "ANNOTATIONS" / f"{image.stem}.xml"
    if not file.is_file():
        return None
    tree = ElementTree.parse(file).getroot()
    with Image.open(image) as picture:
        mask = np.zeros(picture.size[::-1], bool)
    for box in tree.iter("bndbox"):
        left, top, right, bottom = (
            int(box.findtext(name, "0")) for name in ("xmin", "ymin", "xmax", "ymax")
        )
        mask[top:bottom, left:right] = True
    return mask


def text(table: pd.DataFrame) -> str:
    """Return the table for people."""
    lines = [
        "    scripts/reference where <data>",
        "",
        "Defective test images; what each place adds to the class that the image is of, brought to",
        "its size as the report draws it. Pixel AUROC: probability that a defective pixel is",
        "brighter than another one. Maxima inside: share of images whose brightest pixel is",
        "defective; by chance: share of pixels that are.",
        "",
        "| images | n | pixel AUROC | maxima inside | by chance |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in table.itertuples(index=False):
        figures = " | ".join(f"{100 * figure:.1f} %" for figure in row[2:])
        lines.append(f"| {row[0]} | {row[1]} | {figures} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
