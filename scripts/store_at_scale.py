"""What do a data set and its store cost a process, image by image? Seconds and memory as JSON.

    python scripts/store_at_scale.py store <folder> <rows> [<rows in a shard>]
    python scripts/store_at_scale.py listing <folder of images> <folder> <images>

The first fills a store with shards whose keys and headers are as of fusion=local, their rows one
number wide, and opens it. The second lists so many images, hard links to those that there are;
called once more, it finds their hashes remembered. Called as in docs/many_machines.md.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
import psutil

from mlff_cli.backbones.levels import Preprocessing
from mlff_cli.config.composition import compose_config
from mlff_cli.features.pooling import STANDARD
from mlff_cli.features.store.catalog import ShardCatalog
from mlff_cli.features.store.shards import KEY_BYTES, write_shards
from mlff_cli.features.store.spaces import FeatureSpace, write_space
from mlff_cli.runs.listing import listing_of

SPACE = FeatureSpace("ab" * 32, Preprocessing(224, (0.5,) * 3, (0.2,) * 3))
LOCAL = (("cell8_max", "cell8_min"), ("cell4_max", "cell4_min"), ("cell2_max", "cell2_min"),
         ("map",), ("map",))  # fmt: skip
NAMES = [f"level{n}/{kind}" for n, kinds in enumerate(LOCAL) for kind in (*kinds, *STANDARD)]
CHUNK = 1024
T = TypeVar("T")


def main(what: str, *arguments: str) -> None:
    """Measure one of the two and print the figures."""
    figures = store(*arguments) if what == "store" else listing(*arguments)
    print(json.dumps(figures, indent=1))


def store(folder: str, rows: str, shard_rows: str = str(CHUNK)) -> dict[str, Any]:
    """Fill a store and open it: names of files, headers and keys, then the index of one lookup."""
    path = Path(folder) / SPACE.folder_name("float32")
    write_space(path, SPACE, "float32")
    random, step = np.random.default_rng(0), int(shard_rows)
    # What is on the disk after a power cut does not matter here, and would take an hour.
    with patch("os.fsync"):
        for _ in range(0, int(rows), step):
            keys = random.integers(0, 256, (step, KEY_BYTES), np.uint8)
            write_shards(path, keys, {name: np.zeros((step, 1), np.float16) for name in NAMES})
    catalog, opening = _measured(lambda: ShardCatalog(path))
    wanted = np.concatenate([shard.keys for shard in list(catalog.shards.values())[:4]])
    _, indexing = _measured(lambda: catalog.locate(wanted, NAMES))
    _, listing = _measured(catalog.refresh)
    count = sum(len(shard.keys) for shard in catalog.shards.values())
    return {"rows": count, "files": len(catalog.shards), "blocks in a file": len(NAMES) + 1,
            "opening": _each(opening, count), "first lookup": _each(indexing, count),
            "listing the folder again": _each(listing, count)}  # fmt: skip


def listing(images: str, folder: str, count: str) -> dict[str, Any]:
    """List so many links to images; called a second time, what their files hold is remembered."""
    links, store = Path(folder) / "images", Path(folder) / "store"
    if not links.is_dir():
        _link(sorted(Path(images).rglob("*.png")), Path(images), links, int(count))
    words = ["task=custom", f"data.root={links}", f"paths.features={store}"]
    config = compose_config("train", words)
    remembered = (store / "files.jsonl").is_file()
    kept, figures = _measured(lambda: listing_of(config))
    size = (store / "files.jsonl").stat().st_size
    return {"images": len(kept.records), "remembered": remembered,
            "listing": _each(figures, len(kept.records)),
            "bytes of the memo an image": round(size / len(kept.records))}  # fmt: skip


def _link(sources: Sequence[Path], root: Path, links: Path, count: int) -> None:
    for number in range(count):
        source = sources[number % len(sources)]
        link = links / source.relative_to(root).parent / f"{number:08d}.png"
        link.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, link)
    time.sleep(3)  # what changed a moment ago is not remembered


def _measured(work: Callable[[], T]) -> tuple[T, tuple[float, float, int]]:
    """Return what work gives; its seconds, those of the processor, and the bytes that it keeps."""
    process = psutil.Process()
    before, started, used = process.memory_info().rss, time.perf_counter(), time.process_time()
    result = work()
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    return result, (seconds, processor, process.memory_info().rss - before)


def _each(figures: tuple[float, float, int], count: int) -> dict[str, float]:
    seconds, processor, kept = figures
    return {"seconds": round(seconds, 2), "seconds of the processor": round(processor, 2),
            "microseconds of the processor an image": round(1e6 * processor / count, 2),
            "bytes of memory an image": round(kept / count)}  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
