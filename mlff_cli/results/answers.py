"""Answers on images as lines of a file, and as a table for people."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlff_cli.results.cells import Row, rounded
from mlff_cli.results.labels import plain
from mlff_cli.results.table import Column, Table

Line = Mapping[str, Any]
"""What is known of an answer by the name of its column; None where there is nothing."""


def csv_lines(columns: Sequence[str]) -> tuple[str, Callable[[Line], str]]:
    """Return the first line of a CSV file, and what makes a line of an answer."""
    return _csv(columns), lambda line: _csv([line.get(name) for name in columns])


def json_lines(columns: Sequence[str]) -> tuple[str, Callable[[Line], str]]:
    """Return the same for a file with a JSON object on each line."""
    return (
        "",
        lambda line: (
            json.dumps({name: line.get(name) for name in columns}, ensure_ascii=False) + "\n"
        ),
    )


FORMATS = {".csv": csv_lines, ".jsonl": json_lines}
"""How answers are written, by the ending of the file."""


FOUND_OUT = (Column("product"), Column("how sure", "score", key="product_sure"))
"""Where the product was not given but found out, image by image."""


def answers_table(
    lines: Sequence[Line], counts: Mapping[str, int], total: int, remark: str = ""
) -> Table:
    """Return the first answers, and below them how often each label and decision came.

    Args:
        lines: Those that are shown.
        counts: Of all answers, by what was counted.
        total: All answers.
        remark: What else is to be said of them.
    """
    columns = [
        Column("image", key="path"),
        *(FOUND_OUT if any(line.get("product_sure") is not None for line in lines) else ()),
        Column("label"),
        Column("score", "score", key="best"),
        Column("score of a defect", "score", key="defect_score"),
        Column("decision"),
        Column("missing"),
        Column("problem"),
    ]
    filled = [c for c in columns if any(line.get(c.place) not in (None, "") for line in lines)]
    rows: list[Row] = [dict(line) for line in lines]
    notes = [f"{count} {what}" for what, count in counts.items()]
    if total > len(lines):
        notes.insert(0, f"the first {len(lines)} of {total} images; limit=0 shows all")
    return Table("", filled, rows, [*notes, remark] if remark else notes)


def told(line: Line, name: str) -> str:
    """Return what is said of an image on one line of the terminal; `name` is what it is called."""
    if line["problem"]:
        return f"{plain(name)}: {plain(line['problem'])}"
    best = "" if line["best"] is None else f" {rounded(line['best'], 'score')}"
    decision = f", {line['decision']}" if line["decision"] else ""
    return f"{plain(name)}: {plain(line['label']) or 'no label'}{best}{decision}"


def counted(lines: Counter[str], line: Line) -> None:
    """Count an answer by its decision, else by its label, or as one that could not be given."""
    if line["problem"]:
        lines["could not be read"] += 1
    else:
        lines[line["decision"] or line["label"] or "no label"] += 1
        if line.get("missing"):
            lines[f"answered without {line['missing'].replace(';', ', ')}"] += 1


def _csv(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    # Before Python 3.13 a carriage return alone, in the name of a file, is not put in quotes.
    in_quotes = any("\r" in cell for cell in cells if isinstance(cell, str))
    writer = csv.writer(
        text,
        lineterminator="\n",
        quoting=csv.QUOTE_ALL if in_quotes else csv.QUOTE_MINIMAL,
    )
    writer.writerow(cells)
    return text.getvalue()
