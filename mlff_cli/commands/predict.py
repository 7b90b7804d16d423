"""``mlff predict``: what a finished run says of images that nobody has labelled."""

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlff_cli.data.asked import asked, asked_images, is_a_list
from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.images.glow import overlaid
from mlff_cli.results.answers import FORMATS, Line, answers_table, counted, told
from mlff_cli.results.answers_log import AnswersLog
from mlff_cli.results.labels import plain
from mlff_cli.results.predictions_file import SCORE
from mlff_cli.results.renderers.terminal import across, console
from mlff_cli.runs.answer import Answer, Answering
from mlff_cli.runs.opening import predictor_of
from mlff_cli.runs.output_lock import held, refuse_held
from mlff_cli.runs.watching import Arrived, WatchedFolder
from mlff_cli.system.files import write_atomically
from mlff_cli.system.interruption import delayed
from mlff_cli.system.logs import logging_to

FIRST = (
    "path", "content", "product", "product_sure", "label", "decision", "defect_score", "threshold",
    "novelty",
)  # fmt: skip
MISSING = "missing"
LAST = ("milliseconds", "problem")
"""Columns of a file of answers, before and behind the scores; where they come from stands last."""


def run(config: Mapping[str, Any]) -> int:
    """Answer for each image; return 1 where some of them cannot be read."""
    if config["watch"] is not None:
        _watch(config)
        return 0
    if len(config["words"]) < 2:
        raise UserError("predict needs a run and images: mlff predict runs/<task>/<run> new/*.png")
    path, *words = config["words"]
    output, overlays = _output(config["output"]), _overlays(config)
    asked_images([word for word in words if not is_a_list(word)])  # refused before a run is opened
    with logging_to(None):
        predictor = predictor_of(Path(path).expanduser(), config, look=overlays is not None)
        images = asked(words, predictor.modalities)
        shown: list[Line] = []
        counts: Counter[str] = Counter()
        with _written(output, columns_of(predictor)) as write:
            for number, answer in enumerate(predictor.answers(images), start=1):
                if overlays:
                    _draw(answer, overlays, number)
                line = line_of(answer, predictor)
                write(line)
                counted(counts, line)
                if not config["limit"] or len(shown) < config["limit"]:
                    shown.append(line)
    console().print(across(answers_table(shown, counts, len(images), predictor.remark)))
    for made in filter(None, (output, overlays)):
        print(made)
    return int(any(line == "could not be read" for line in counts))


def _watch(config: Mapping[str, Any]) -> None:
    """Answer for images as they arrive in a folder, until a signal comes or the folder is gone."""
    watched, output, overlays = _to_watch(config)
    run_folder = Path(config["words"][0]).expanduser()
    predictor = predictor_of(run_folder, config, look=overlays is not None)
    if predictor.modalities:
        raise UserError(
            f"predict --watch: this run reads {', '.join(predictor.modalities)} of each part, and "
            "nothing tells when all of them have arrived; give the images themselves"
        )
    log = AnswersLog(
        output,
        columns_of(predictor),
        products=predictor.product_names,
        fixed=predictor.provenance,
    )
    counts: Counter[str] = Counter()
    with held(output), log.opened():
        print(f"watching {watched.path}; {log.count} answers stand in {output}", flush=True)
        try:
            for images in watched.batches(log.holds):
                answers = list(predictor.answers([image.path for image in images]))
                for image, line in _added(log, images, answers, predictor, overlays):
                    watched.done(image)
                    counted(counts, line)
                    print(told(line, os.path.relpath(image.path, watched.path)), flush=True)
        except KeyboardInterrupt as stop:
            stop.args = ("the same command goes on",)
            raise
        finally:
            print(", ".join(f"{n} {what}" for what, n in counts.items()) or "no image was new")


def _to_watch(config: Mapping[str, Any]) -> tuple[WatchedFolder, Path, Path | None]:
    """Return the folder, the file of answers, and where pictures go; refuse what does not fit."""
    if len(config["words"]) != 1 or not config["watch"]:
        raise UserError(
            "predict --watch needs a run and a folder, and no images: "
            "mlff predict runs/<task>/<run> --watch <folder> output=answers.csv"
        )
    output, overlays = _output(config["output"]), _overlays(config)
    if output is None:
        raise UserError(
            "predict --watch needs output=<file>.csv (or .jsonl): answers are added to it"
        )
    folder = Path(config["watch"]).expanduser()
    watched = WatchedFolder(folder, interval=config["interval"], settle=config["settle"])
    if overlays and overlays.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"overlays={overlays}: lies in the watched folder; give one outside of it")
    return watched, output, overlays


def _added(
    log: AnswersLog,
    images: Sequence[Arrived],
    answers: Sequence[Answer],
    predictor: Answering,
    overlays: Path | None,
) -> list[tuple[Arrived, Line]]:
    """Add answers to the log and return their lines; of files that changed meanwhile none."""
    lines: list[tuple[Arrived, Line]] = []
    for image, answer in zip(images, answers, strict=True):
        gone = not image.path.exists()
        # Somebody may take an image away as soon as it has been read.
        if image.is_as_it_was or (gone and answer.content == image.content != ""):
            if overlays and not gone:
                _draw(answer, overlays, log.count + len(lines) + 1)
            lines.append((image, line_of(replace(answer, content=image.content), predictor)))
        elif gone:
            print(f"{plain(str(image.path))}: was gone before it was answered", flush=True)
    with delayed():
        log.append([line for _, line in lines])
    return lines


def _draw(answer: Answer, folder: Path, number: int) -> None:
    """Write the picture of an image, if it could be read."""
    if answer.where is not None:
        picture = io.BytesIO()
        overlaid(FileImage(Path(answer.path)).load(), answer.where).save(picture, "png")
        file = folder / f"{number:05d}_{Path(answer.path).stem}.png"
        write_atomically(file, picture.getvalue())


def columns_of(predictor: Answering) -> list[str]:
    """Return the columns of a file of answers."""
    scores = (SCORE + name for name in predictor.outputs)
    missing = [MISSING] if predictor.modalities else []
    return [*FIRST, *missing, *scores, *LAST, *predictor.provenance]


def line_of(answer: Answer, predictor: Answering) -> Line:
    """Return what is known of an answer by column."""
    return {
        **{name: getattr(answer, name) for name in FIRST},
        MISSING: ";".join(answer.missing),
        **{SCORE + name: score for name, score in answer.scores.items()},
        "best": max(answer.scores.values(), default=None) if predictor.scores_are_shares else None,
        "milliseconds": round(answer.milliseconds, 3),
        "problem": answer.problem,
        **predictor.provenance,
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


def _overlays(config: Mapping[str, Any]) -> Path | None:
    return Path(config["overlays"]).expanduser() if config["overlays"] else None


@contextmanager
def _written(output: Path | None, columns: list[str]) -> Iterator[Callable[[Line], object]]:
    """Give what takes answers; the file is there when all of them are in it."""
    if output is None:
        yield lambda line: None
        return
    refuse_held(output)
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
