"""predictions.csv: every image that was scored, what it is, and every score that it got."""

import csv
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from mlff_cli.errors import UserError
from mlff_cli.results.predictions import Kind, Predictions

COLUMNS = (
    "experience_trained",
    "experience",
    "split",
    "image",
    "content",
    "group",
    "truth",
    "prediction",
)
SCORE = "score "
"""Begins the name of the column of an output's scores, blank where the head has none such."""

SEPARATOR = ";"
"""Between several labels, or several numbers, of one image."""


def header(outputs: Sequence[str]) -> str:
    """Return the first line of a file with scores of these outputs."""
    found = _Lines()
    columns = [*COLUMNS, *(SCORE + output for output in outputs)]
    csv.writer(found, lineterminator="\n").writerow(columns)
    return "".join(found)


def lines(predictions: Predictions, outputs: Sequence[str]) -> str:
    """Return a line for each image, scores in the columns of these outputs."""
    return after(predictions.trained, untimed(predictions, outputs))


def after(trained: int, lines: Iterable[str]) -> str:
    """Return `untimed` lines as those of images that were scored after a training."""
    return "".join(f"{trained},{line}" for line in lines)


def untimed(predictions: Predictions, outputs: Sequence[str]) -> list[str]:
    """Return the line of each image without its first cell, which names the training."""
    places = [
        predictions.outputs.index(output) if output in predictions.outputs else -1
        for output in outputs
    ]
    facts = zip(
        predictions.images,
        predictions.contents,
        predictions.groups,
        map(SEPARATOR.join, predictions.truths),
        map(SEPARATOR.join, predictions.predicted),
        predictions.scores.astype(str).tolist(),
        strict=True,
    )
    before = (predictions.experience, predictions.split)
    found = _Lines()
    csv.writer(found, lineterminator="\n").writerows(
        (*before, *words, *("" if place < 0 else scores[place] for place in places))
        for *words, scores in facts
    )
    return found


class _Lines(list[str]):
    """Takes what a writer of rows writes, row by row."""

    def write(self, text: str) -> None:
        self.append(text)


def read(path: Path, kind: Kind, trained: int | None = None, split: str = "") -> list[Predictions]:
    """Return what a file holds: one item for each experience, split and moment, in its order.

    With `trained` or `split` only what was scored after that training, or of that split.

    Raises:
        UserError: The file is missing or damaged.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            first, *rows = csv.reader(file)
        if tuple(first[: len(COLUMNS)]) != COLUMNS:
            raise ValueError("its columns are others")
        outputs = [name.removeprefix(SCORE) for name in first[len(COLUMNS) :]]
        return [
            _block(list(own), outputs, kind)
            for (moment, _, part), own in groupby(rows, key=lambda row: tuple(row[:3]))
            if trained in (None, int(moment)) and split in ("", part)
        ]
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, IndexError, csv.Error) as error:
        raise UserError(f"{path}: is damaged ({error})") from error


def _block(rows: Sequence[Sequence[str]], outputs: Sequence[str], kind: Kind) -> Predictions:
    trained, experience, split = rows[0][:3]
    first = len(COLUMNS)
    own = [place for place, cell in enumerate(rows[0][first:]) if cell]
    scores = [[row[first + place] for place in own] for row in rows]
    return Predictions(
        experience,
        int(trained),
        split,
        kind,
        tuple(outputs[place] for place in own),
        images=[row[3] for row in rows],
        contents=[row[4] for row in rows],
        groups=[row[5] for row in rows],
        truths=[_parts(row[6], kind) for row in rows],
        scores=np.array(scores, np.float32).reshape(len(rows), len(own)),
    )


def _parts(text: str, kind: Kind) -> tuple[str, ...]:
    if kind == "class":
        return (text,)
    return tuple(text.split(SEPARATOR)) if text else ()
