"""``mlff predict``: what a finished run says of images that nobody has labelled."""

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlff_cli.data.asked import asked_images
from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.images.glow import overlaid
from mlff_cli.results.answers import FORMATS, Line, answers_table, counted
from mlff_cli.results.predictions_file import SCORE
from mlff_cli.results.renderers.terminal import across, console
from mlff_cli.runs.opening import predictor_of
from mlff_cli.runs.predicting import Answer, Predictor
from mlff_cli.system.files import write_atomically
from mlff_cli.system.logs import logging_to

FIRST = (
    "path", "content", "product", "product_sure", "label", "decision", "defect_score", "threshold",
    "novelty",
)  # fmt: skip
LAST = ("milliseconds", "problem")
"""Columns of a file of answers, before and behind the scores; where they come from stands last."""


def run(config: Mapping[str, Any]) -> int:
    """Answer for each image; return 1 where some of them cannot be read."""
    if len(config["words"]) < 2:
        raise UserError("predict needs a run and images: mlff predict runs/<task>/<run> new/*.png")
    path, *words = config["words"]
    output = _output(config["output"])
    images = asked_images(words)
    with logging_to(None):
        overlays = Path(config["overlays"]).expanduser() if config["overlays"] else None
        predictor = predictor_of(Path(path).expanduser(), config, look=overlays is not None)
        scores, origin = (SCORE + name for name in predictor.outputs), predictor.deployed.provenance
        columns = [*FIRST, *scores, *LAST, *origin]
        shown: list[Line] = []
        counts: Counter[str] = Counter()
        with _written(output, columns) as write:
            for number, answer in enumerate(predictor.answers(images), start=1):
                if overlays:
                    _draw(answer, overlays / f"{number:05d}_{Path(answer.path).stem}.png")
                line = _line(answer, predictor)
                write(line)
                counted(counts, line)
                if not config["limit"] or len(shown) < config["limit"]:
                    shown.append(line)
    console().print(across(answers_table(shown, counts, len(images), predictor.remark)))
    for made in filter(None, (output, overlays)):
        print(made)
    return int(any(line == "could not be read" for line in counts))


def _draw(answer: Answer, file: Path) -> None:
    """Write the picture of an image, if it could be read."""
    if answer.where is not None:
        picture = io.BytesIO()
        overlaid(FileImage(Path(answer.path)).load(), answer.where).save(picture, "png")
        write_atomically(file, picture.getvalue())


def _line(answer: Answer, predictor: Predictor) -> Line:
    """Return what is known of an answer by column."""
    return {
        **{name: getattr(answer, name) for name in FIRST},
        **{SCORE + name: score for name, score in answer.scores.items()},
        "best": max(answer.scores.values(), default=None) if predictor.scores_are_shares else None,
        "milliseconds": round(answer.milliseconds, 3),
        "problem": answer.problem,
        **predictor.deployed.provenance,
    }


def _output(text: str | None) -> Path | None:
    """Return the file that is asked for.

    Raises:
        UserError: Its ending says no format.
    """
    if text is None:
        return None
    path = Path(text).expanduser()
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"output={text}: give a file that ends in {' or '.join(FORMATS)}")
    return path


@contextmanager
def _written(output: Path | None, columns: list[str]) -> Iterator[Callable[[Line], object]]:
    """Give what takes answers; the file is there when all of them are in it."""
    if output is None:
        yield lambda line: None
        return
    first, text_of = FORMATS[output.suffix.lower()](columns)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(first)
            yield lambda line: file.write(text_of(line))
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
