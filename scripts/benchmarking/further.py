"""Figure 11: a further product on top of a finished run, its images' features stored."""

from bench import MLFF, Bench

NEW = ("dataset=placement", "data.images_per_class=4")
"""100 images of one product: five classes in five batches."""


SIZE = 128
"""Pixels: the size that `mlff train` has where none is given."""


def further_product(bench: Bench) -> None:
    """Take figure 11: the whole process of `mlff train from=`, the parent of three products."""
    store, runs = bench.fresh("store"), bench.fresh("runs")
    places = (f"paths.runs={runs}", f"paths.features={store}")
    size = f"data.image_size={min(bench.extent.size, SIZE)}"
    words = ("task=surface_defect", size, "data.images_per_class=20", *bench.extent.keys, *places)
    bench.process(11, "parent", 0, [*MLFF, "train", *words])
    parent = next(runs.glob("*/*/DONE")).parent
    for repetition in range(bench.extent.repeat + 1):
        # The first one stores the features, and does not count.
        case = "a further product" if repetition else "features not stored"
        fresh = bench.fresh("further")
        command = [*MLFF, "train", f"from={parent}", *NEW, f"paths.runs={fresh}", places[1]]
        bench.process(11, case, repetition, command)
