"""Measure speed and memory, each figure a whole process from its start to its exit.

1 floor: decoding and one bare backbone pass in plain PyTorch  2 train, empty store
3 train with another seed, with another fusion layer  4 full fine-tuning, extrapolated
5 a sweep of 20 runs  6 the cost of experience k  7 scale: 30,000 images  8 start-up
9 predict, one image after another on one core  10 predict of 10,000 images on one core
11 train from=: a further product of 100 stored images

What is compared runs side by side. Numbers go to benchmark.csv, the table to benchmark.md.

With --peers one figure alone is taken, of drawn surfaces at 128 px: the same sequence, images,
backbone and epochs through mlff, avalanche-lib and plain PyTorch; to results.csv and results.md.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path

# Before torch is imported here, and for every process that is started.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from against_peers import against_peers, require_peers
from bench import Bench, Extent, console
from figures import experience_by_experience, scale, side_by_side, start_up
from further import further_product
from material import Material, of_dataset
from peers_page import verdict, write_peers
from prediction import one_by_one, thousands
from summary import lines, write

from mlff_cli.errors import UserError
from mlff_cli.system.processes import cores

NEEDED_BYTES = 2 << 30
EPOCHS = 30
"""That all train for who are compared with --peers."""
EVERY_FIGURE = "1,2,3,4,5,6,7,8,9,10,11"


def main(words: Sequence[str] | None = None) -> int:
    """Take the figures and write them; return 0, or 2 where something is missing."""
    chosen = _arguments(words)
    only = {int(number) for number in chosen.only.split(",")}
    size = chosen.size or (48 if chosen.quick else 128 if chosen.peers else 224)
    data = chosen.data or ("surfaces" if chosen.peers else "elpv")
    output = Path(chosen.output or ("runs/peers" if chosen.peers else "runs/benchmark"))
    images = chosen.images or (60 if chosen.quick else 0)
    extent = Extent.quick(size) if chosen.quick else Extent(size, chosen.repeat)
    extent = replace(extent, keys=(*extent.keys, *chosen.keys))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="mlff-benchmark-") as temporary:
        free = shutil.disk_usage(temporary).free
        if free < NEEDED_BYTES:
            sys.exit(
                f"{temporary}: {free:,} bytes free, {NEEDED_BYTES:,} needed; choose another disk "
                "with TMPDIR=<folder>"
            )
        bench = Bench(Path(temporary), extent, console)
        try:
            if chosen.peers:
                require_peers()
            material = of_dataset(data, chosen.root, size, images, bench.folder / "material")
        except UserError as error:
            print(f"benchmark: {error}", file=sys.stderr)
            return 2
        console(f"{material.images} images of {data} at {size} px")
        if chosen.peers:
            against_peers(bench, material, epochs=2 if chosen.quick else EPOCHS)
        else:
            _figures(bench, only, material)
    about = [
        f"    scripts/benchmark {' '.join(words if words is not None else sys.argv[1:])}".rstrip(),
        "",
        f"{material.images} images of {data} at {size} px; {_machine()}; "
        f"{time.perf_counter() - started:.0f} s in all. Times are of whole processes; a ratio is "
        "the median of the ratios within repetitions, whose processes ran one after another.",
    ]
    if chosen.peers:
        numbers, table = write_peers(output, bench.observations, about)
        print(f"{verdict(bench.observations)}\n{numbers}\n{table}")
        return 0
    numbers, table = write(output, bench.observations, about)
    for line in lines(bench.observations):
        print(f"{line.figure}  {line.what}: {line.value}  {line.spread}  "
              f"{f'[{line.wanted}: {line.verdict}]' if line.wanted else ''}".rstrip())  # fmt: skip
    print(f"{numbers}\n{table}")
    return 0


def _figures(bench: Bench, only: Set[int], material: Material) -> None:
    if only & {1, 2, 3, 4, 5}:
        side_by_side(bench, only, material)
    if 6 in only:
        experience_by_experience(bench)
    if 7 in only:
        scale(bench)
    if 8 in only:
        start_up(bench, material)
    if 9 in only:
        one_by_one(bench, material)
    if 10 in only:
        thousands(bench, material)
    if 11 in only:
        further_product(bench)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", help="a choice of mlff list dataset (elpv; peers: surfaces)")
    parser.add_argument("--root", help="data.root, where that dataset needs it")
    parser.add_argument("--size", type=int, help="side of the images in pixels (224; peers: 128)")
    parser.add_argument("--images", type=int, help="so many at even distances (all)")
    parser.add_argument(
        "--repeat", type=int, default=3, help="figures 4, 5, 6, 10 and peers twice at most (3)"
    )
    parser.add_argument("--only", default=EVERY_FIGURE, help="figures, as in 1,2,3 (all)")
    parser.add_argument("--peers", action="store_true", help="against others; see above")
    parser.add_argument("--keys", nargs="*", default=[], help="further keys of every run")
    parser.add_argument("--output", help="folder (runs/benchmark; peers: runs/peers)")
    parser.add_argument("--quick", action="store_true", help="try it all out; measures nothing")
    return parser.parse_args(words)


def _machine() -> str:
    import torch

    accelerator = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{cores()} cores{accelerator}, {platform.system()}, torch {torch.__version__}"


if __name__ == "__main__":
    sys.exit(main())
