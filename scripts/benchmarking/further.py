"""Figure 11: a further product on top of a finished run, its images' features stored."""

from pathlib import Path

from bench import MLFF, Bench
from PIL import Image

SIZE = 128
"""Pixels: the size that `mlff train` has where none is given."""
OLD = ("dataset=surfaces", "data.images_per_class=20")
NEW = ("dataset=placement", "data.images_per_class=4")
"""Three products, then 100 images of another one: five classes, of each 20."""


def further_product(bench: Bench) -> None:
    """Take figure 11: the whole process of `mlff train from=`, the parent of three products."""
    store, runs = bench.fresh("store"), bench.fresh("runs")
    size = min(bench.extent.size, SIZE)
    old = _as_files(OLD, size, bench.fresh("old"))
    new = _as_files(NEW, size, bench.fresh("new"))
    places = (f"paths.runs={runs}", f"paths.features={store}")
    words = ("task=custom", f"data.root={old}", f"data.image_size={size}", *bench.extent.keys)
    bench.process(11, "parent", 0, [*MLFF, "train", *words, *places])
    parent = next(runs.glob("*/*/DONE")).parent
    for repetition in range(bench.extent.repeat + 1):
        # The first one stores the features, and does not count.
        case = "a further product" if repetition else "features not stored"
        words = (f"from={parent}", "task=custom", f"data.root={new}")
        fresh = f"paths.runs={bench.fresh('further')}"
        bench.process(11, case, repetition, [*MLFF, "train", *words, fresh, places[1]])


def _as_files(words: tuple[str, ...], size: int, folder: Path) -> Path:
    """Write drawn images as <folder>/<product>/<class>/<number>.png; return the folder."""
    from mlff_cli.config.composition import compose_config
    from mlff_cli.runs.listing import listing_of

    config = compose_config("train", [*words, f"data.image_size={size}"])
    for number, record in enumerate(listing_of(config).records):
        file = folder / record.product / record.labels[0] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(record.image.load()).save(file)
    return folder
