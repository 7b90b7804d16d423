"""splits.csv: which image went where, and the hash of its content."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mlff_cli.errors import SHOWN, UserError
from mlff_cli.tasks.record import Record

COLUMNS = ("name", "split", "product", "batch", "group", "labels", "targets", "content")
DIGITS = 16
"""Hex digits of a content's hash that tell images apart: enough for 2 ** 32 of them.

Runs of older versions kept no more.
"""


class SplitRow(NamedTuple):
    """A line of the file, every cell as text."""

    name: str
    split: str
    product: str
    batch: str
    group: str
    labels: str
    targets: str
    content: str


def split_rows(
    records: Sequence[Record], splits: Mapping[str, str], contents: Sequence[str]
) -> list[SplitRow]:
    """Return a row for each record.

    Args:
        records: In the order of the data set.
        splits: "train", "validation" or "test" by record name.
        contents: The hash of each record's image.
    """
    return [
        SplitRow(
            record.name,
            splits[record.name],
            record.product,
            record.batch,
            record.group,
            ";".join(record.labels),
            ";".join(map(repr, record.targets)),
            content,
        )
        for record, content in zip(records, contents, strict=True)
    ]


def written(rows: Sequence[SplitRow]) -> str:
    """Return rows as the text of a file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    return text.getvalue()


def read_rows(file: Path) -> list[SplitRow]:
    """Return the rows that `written` made.

    Raises:
        UserError: The file is missing or damaged.
    """
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
        if tuple(header) != COLUMNS:
            raise ValueError(f"its columns are {', '.join(header)}")
        return [SplitRow(*row) for row in rows]
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{file}: is damaged ({error})") from error


def as_split(
    records: Sequence[Record], contents: Sequence[str], rows: Sequence[SplitRow]
) -> list[Record]:
    """Return the records, each fixed to the split in which a run had its image.

    The content decides; of images with the same content, the name. What the run did not know
    stays free.
    """
    by_content: dict[str, list[SplitRow]] = {}
    for row in rows:
        by_content.setdefault(row.content[:DIGITS], []).append(row)
    fixed = []
    for record, content in zip(records, contents, strict=True):
        known = by_content.get(content[:DIGITS], [])
        own = [row for row in known if row.name == record.name] or known
        fixed.append(replace(record, split=own[0].split) if own else record)
    return fixed


def differences(before: Sequence[SplitRow], now: Sequence[SplitRow]) -> list[str]:
    """Return in words how the images of a run differ from those that are there now.

    Images are told apart by name where they have kept theirs, else by content: they may have moved.
    """
    old, new = ({row.name: _shortened(row) for row in rows} for rows in (before, now))
    gone = [name for name in old if name not in new]
    added = [name for name in new if name not in old]
    moved = _same_but_for_names([old[n] for n in gone], [new[n] for n in added])
    found = {
        "are gone": [] if moved else gone,
        "are new": [] if moved else added,
        "have another content, label or split": [n for n in old if n in new and old[n] != new[n]],
    }
    return [
        f"{len(names)} images {what}: {', '.join(names[:SHOWN])}"
        + (", ..." if len(names) > SHOWN else "")
        for what, names in found.items()
        if names
    ]


def _shortened(row: SplitRow) -> SplitRow:
    return row._replace(content=row.content[:DIGITS])


def _same_but_for_names(before: Sequence[SplitRow], now: Sequence[SplitRow]) -> bool:
    return sorted(row[1:] for row in before) == sorted(row[1:] for row in now)
