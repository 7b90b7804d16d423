"""TensorBoard: event files, a folder for each run."""

import struct
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import yaml

from mlff_cli.system.extras import extra_module
from mlff_cli.trackers.base import Findings, Point, Subject, Tracker

EXTRA = "tensorboard"


class TensorBoard(Tracker):
    """Writes scores as scalars, config and figures as texts, the matrix as an image."""

    def __init__(self, folder: Path, group: str | None) -> None:
        self._root = folder / group if group else folder
        self._summaries = extra_module("tensorboard.compat.proto.summary_pb2", EXTRA)
        self._writers = extra_module("torch.utils.tensorboard", EXTRA)
        self._writer: Any = None
        self._folder = folder

    def begin(self, subject: Subject, earlier: str | None) -> str:
        """Open a folder ``<group>/<task>/<run>``, or the earlier one if it is there."""
        again = earlier is not None and Path(earlier).is_dir()
        self._folder = Path(str(earlier)) if again else _free(self._root / subject.name)
        self._writer = self._writers.SummaryWriter(str(self._folder))
        if not again:
            config = yaml.safe_dump(dict(subject.config), sort_keys=False, allow_unicode=True)
            self._writer.add_text("config", _as_code(config), 0)
            self._writer.flush()
        return str(self._folder.absolute())

    def holds(self) -> set[tuple[str, int]]:
        """Return the scalars in the event files."""
        events = extra_module("tensorboard.backend.event_processing.event_accumulator", EXTRA)
        read = events.EventAccumulator(str(self._folder), {events.SCALARS: 0})
        read.Reload()
        return {(key, e.step) for key in read.Tags()["scalars"] for e in read.Scalars(key)}

    def add(self, points: Sequence[Point]) -> None:
        """Write scalars."""
        for point in points:
            self._put(point.step, tag=point.key, simple_value=point.value)
        self._writer.flush()

    def finish(self, findings: Findings, step: int) -> None:
        """Write pictures, figures, and where the adapters lie; close."""
        for picture in findings.pictures:
            content = picture.read_bytes()
            width, height = struct.unpack(">II", content[16:24])  # of a PNG
            image = self._summaries.Summary.Image(
                width=width, height=height, colorspace=4, encoded_image_string=content
            )
            self._put(step, tag=picture.stem, image=image)
        for name, value in findings.figures.items():
            self._put(step, tag=f"figures/{name}", simple_value=value)
        self._writer.add_text("adapters", _as_code(str(findings.adapters.absolute())), step)
        self._writer.close()

    def break_off(self) -> None:
        """Close the file."""
        self._writer.close()

    def _put(self, step: int, **value: Any) -> None:
        summary = self._summaries.Summary
        self._writer.file_writer.add_summary(summary(value=[summary.Value(**value)]), step)


def _free(folder: Path) -> Path:
    """Return the folder, or where something is there one with a number behind its name."""
    others = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return next(path for path in chain([folder], others) if not path.exists())


def _as_code(text: str) -> str:
    """Return a text such that Markdown leaves it as it is."""
    return "\n".join(f"    {line}" for line in text.splitlines())
