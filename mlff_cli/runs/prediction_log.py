"""predictions.csv of a run that is on its way: it grows with every training, and survives a stop.

What is noted after a training is on the disk before the state of that training is: a resumed run
finds the predictions of all trainings that it does not repeat, and drops those of the others.
"""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlff_cli.results.labels import plain
from mlff_cli.results.predictions import Kind, Predictions, truth_of
from mlff_cli.results.predictions_file import COLUMNS, after, header, lines, untimed
from mlff_cli.runs.splits_file import DIGITS
from mlff_cli.system.files import write_atomically
from mlff_cli.tasks.experience import Experience, SplitName
from mlff_cli.tasks.record import ImageSource

if TYPE_CHECKING:
    from mlff_cli.runs.scoring import Scored


class PredictionLog:
    """The predictions of a run, written as they come."""

    def __init__(
        self,
        path: Path,
        experiences: Sequence[Experience],
        kind: Kind,
        contents: Mapping[ImageSource, str],
        *,
        before: Sequence[Predictions] = (),
    ) -> None:
        """Take what is asked of the images, the hash of each, and what an earlier run said."""
        self.path = path
        self.outputs = tuple(dict.fromkeys(o for e in experiences for o in e.outputs))
        self.kind = kind
        self._contents = contents
        self._before = before
        self._told: dict[str, tuple[Scored, Predictions, list[str]]] = {}

    def add(
        self, trained: int, split: SplitName, scored: Iterable["tuple[Experience, Scored]"]
    ) -> None:
        """Append what was scored after a training."""
        told = (self._told_once(e, scores, split)[1] for e, scores in scored)
        text = "".join(after(trained, own) for own in told)
        with self.path.open("ab") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())

    def begin(self, finished: int, split: SplitName, expected: Mapping[int, int]) -> bool:
        """Keep the lines of the trainings that are finished; return whether all are there.

        What an earlier run said stands before them.

        Args:
            finished: Index of the experience that was trained last, -1 for none, the untrained
                model included.
            split: What was scored after each training; lines of others come at the end of a run.
            expected: The number of lines of each training that was scored.
        """
        earlier = max((part.trained for part in self._before), default=-1)
        kept = [
            row for row in self._rows() if earlier < int(row[0]) <= finished and row[2] == split
        ]
        counts = dict.fromkeys(expected, 0)
        for row in kept:
            counts[int(row[0])] = counts.get(int(row[0]), 0) + 1
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(kept)
        before = "".join(lines(part, self.outputs) for part in self._before)
        write_atomically(self.path, header(self.outputs) + before + text.getvalue())
        return counts == expected

    def of(
        self, experience: Experience, scored: "Scored", trained: int, split: SplitName
    ) -> Predictions:
        """Return what was scored with all that is known of its images."""
        return replace(self._told_once(experience, scored, split)[0], trained=trained)

    def _told_once(
        self, experience: Experience, scored: "Scored", split: SplitName
    ) -> tuple[Predictions, list[str]]:
        """Return what was scored, and its lines; of the same scores again what was told before."""
        known = self._told.get(experience.name)
        if known is not None and known[0] is scored:
            return known[1:]
        records = experience.split(split)
        found = Predictions(
            plain(experience.name),
            0,
            split,
            self.kind,
            scored.outputs,
            images=[record.name for record in records],
            contents=[self._contents[record.image][:DIGITS] for record in records],
            groups=[record.group for record in records],
            truths=[truth_of(record, self.kind) for record in records],
            scores=scored.scores,
        )
        own = untimed(found, self.outputs)
        self._told[experience.name] = scored, found, own
        return found, own

    def _rows(self) -> list[list[str]]:
        """Return the lines that are whole; the last one may have been broken off."""
        if not self.path.is_file():
            return []
        text = self.path.read_bytes().decode("utf-8", "replace")
        _, *rows = csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline="")) or [[]]
        width = len(COLUMNS) + len(self.outputs)
        return [row for row in rows if len(row) == width and row[0].isdigit()]
