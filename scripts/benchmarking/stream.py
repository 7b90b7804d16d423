"""Answer for images one at a time, warm, and write the milliseconds of each, processor's behind.

usage: stream.py <run> <product> <list of image files> <warm-up> <count> <output>
"""

import sys
import time
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Protocol

ON_ONE_CORE = ("trainer.device=cpu", "trainer.workers=0")
"""Keys with which nothing runs beside the network."""


class Answering(Protocol):
    """Whatever says what images show: a run through torch, or a graph of its own."""

    def answers(self, paths: Sequence[Path]) -> Iterable[Any]:
        """Yield what is said of each image."""
        ...


def milliseconds(
    answering: Answering, paths: Sequence[Path], warm_up: int
) -> list[tuple[float, float]]:
    """Return how long each image took from its path to its answer, and the processor's share.

    Those of the warm-up are left out. On one core that has nothing else to do both are the same.

    Raises:
        RuntimeError: An image was not answered.
    """
    found: list[tuple[float, float]] = []
    for number, path in enumerate(paths):
        started, worked = time.perf_counter(), time.process_time()
        (answer,) = answering.answers([path])
        took = time.perf_counter() - started, time.process_time() - worked
        if getattr(answer, "problem", ""):
            raise RuntimeError(f"{path}: {answer.problem}")
        if number >= warm_up:
            found.append((1000 * took[0], 1000 * took[1]))
    return found


def main(words: Sequence[str]) -> None:
    """Open what is given as `mlff predict` does, and write a line for each image."""
    from mlff_cli.config.composition import compose_config
    from mlff_cli.runs.opening import predictor_of

    what, product, listed, warm_up, count, output = words
    config = compose_config("predict", [f"product={product}", "batch_size=1", *ON_ONE_CORE])
    files = Path(listed).read_text(encoding="utf-8").splitlines()
    paths = [Path(name) for name in islice(cycle(files), int(warm_up) + int(count))]
    answering = predictor_of(Path(what), config, look=False)
    took = milliseconds(answering, paths, int(warm_up))
    lines = (f"{wall} {processor}\n" for wall, processor in took)
    Path(output).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
