"""The row of a run, and rows as tables for Markdown and for the terminal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlff_cli.metrics.figures import NOTATION, definition, figures
from mlff_cli.metrics.scores import METRICS, metric
from mlff_cli.results.columns import (
    COLUMNS,
    SCORES,
    Kind,
    Row,
    base,
    formatted,
    kind,
    rounded,
    titles,
)
from mlff_cli.results.labels import markdown, plain
from mlff_cli.results.matrix import ScoreMatrix

if TYPE_CHECKING:
    from rich.table import Table

_COMMON = ("accuracy", "mAP")
_SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class RunFacts:
    """What a row tells of a run beside its scores.

    Attributes:
        scenario: The task.
        method: How it was learned.
        backbone: Name of the network.
        fusion: Name of the fusion layer, "" without one.
        seed: Of the run.
        trainable_parameters: Parameters that were trained.
        full_parameters: Parameters of the whole backbone and head.
        training_seconds: One for each training, without the extraction of features.
        extraction_seconds: Spent on extracting features, 0 where all were stored.
        peak_memory_mib: Highest memory in MiB, nan where it was not measured.
        experiences: Names of the experiences learned.
    """

    scenario: str
    method: str
    backbone: str
    fusion: str
    seed: int
    trainable_parameters: int
    full_parameters: int
    training_seconds: tuple[float, ...]
    extraction_seconds: float
    peak_memory_mib: float
    experiences: tuple[str, ...]


def result_row(matrix: ScoreMatrix, facts: RunFacts) -> Row:
    """Return the row of one run; columns of exact match and errors only where they have scores.

    The training time of several experiences at once is divided by their number.
    """
    row: Row = {
        "scenario": facts.scenario,
        "method": facts.method,
        "backbone": facts.backbone,
        "fusion": facts.fusion,
        "seed": facts.seed,
    }
    values = {name: matrix_figures(matrix, name, facts.seed) for name in METRICS}
    for column, (name, figure) in SCORES.items():
        if name in _COMMON or name in matrix.metrics:
            row[column] = _known(values[name][figure])
    full, steps = facts.full_parameters, len(facts.experiences)
    row["trainable parameters"] = facts.trainable_parameters
    row["saving (%)"] = 100 * (1 - facts.trainable_parameters / full) if full else None
    row["training seconds per experience"] = sum(facts.training_seconds) / steps if steps else None
    row["feature extraction seconds"] = _known(facts.extraction_seconds)
    row["peak memory (MiB)"] = _known(facts.peak_memory_mib)
    return row


def matrix_figures(matrix: ScoreMatrix, name: str, seed: int) -> dict[str, float]:
    """Return every figure of one metric and seed, nan where it cannot be computed."""
    return figures(name, matrix.array(name, seed), matrix.unseen_array(name, seed))


def summary(matrix: ScoreMatrix, seed: int) -> dict[str, Any]:
    """Return every figure of every metric beside its definition, ready for JSON."""
    table: dict[str, Any] = {}
    for name in matrix.metrics:
        values = matrix_figures(matrix, name, seed)
        table[name] = {"definition": metric(name).definition} | {
            figure: {"value": _known(value), "definition": definition(figure, name)}
            for figure, value in values.items()
        }
    return {"notation": NOTATION, "seed": seed, "metrics": table}


def markdown_table(rows: Sequence[Row]) -> str:
    """Return the rows rounded, failed runs below them, then the definitions of the columns.

    Columns without any value are left out.
    """
    finished, failed = _split(rows)
    shown = _shown(finished)
    lines: list[str] = []
    if shown:
        cells = [[markdown(formatted(row, title)) for title in shown] for row in finished]
        lines += _markdown_lines(shown, cells, [kind(title) == "text" for title in shown])
    if failed:
        lines += ["", "Failed runs:", "", *(f"- {markdown(line)}" for line in failed), ""]
    notes = [
        f"- {title}: {markdown(COLUMNS[title].definition)}"
        for title in shown
        if title in COLUMNS and COLUMNS[title].definition
    ]
    if notes:
        lines += ["", f"{markdown(NOTATION)}.", "", *notes]
    return "\n".join(lines).strip() + "\n"


def matrix_markdown(matrix: ScoreMatrix, name: str, seed: int) -> str:
    """Return the scores of one metric as a table of names, blank where not computed."""
    shown_as: Kind = "fraction" if metric(name).higher_is_better else "error"
    unit = " %" if shown_as == "fraction" else ""
    scores = matrix.full_array(name, seed)
    cells = []
    for row, step in matrix.trainings(name, seed):
        texts = ["" if math.isnan(v) else rounded(v, shown_as) + unit for v in scores[row]]
        cells.append([markdown(f"after {step}" if row else step), *texts])
    header = [markdown(title) for title in (name, *matrix.experiences)]
    left = [column == 0 for column in range(len(header))]
    return "\n".join(_markdown_lines(header, cells, left)) + "\n"


def rich_table(rows: Sequence[Row], title: str) -> "Table":
    """Return the rows rounded for the terminal: a few side by side, more below each other.

    What is the same in all rows, and the runs that failed, stand in the caption.
    """
    from rich.table import Table
    from rich.text import Text

    finished, failed = _split(rows)
    shown = _shown(finished)
    named = [name for name in shown if kind(name) in ("text", "integer")]
    cells = {name: [formatted(row, name) for row in finished] for name in shown}
    same = [name for name in named if len(finished) > 1 and len(set(cells[name])) == 1]
    caption = [", ".join(f"{name} {cells[name][0]}" for name in same)] if same else []
    caption += [f"failed: {line}" for line in failed]
    table = Table(
        title=Text(plain(title)),
        caption=Text("\n".join(caption)) if caption else None,
        caption_justify="left",
    )
    shown = [name for name in shown if name not in same]
    if len(finished) > _SIDE_BY_SIDE:
        for name in shown:
            table.add_column(name, justify="left" if name in named else "right", overflow="fold")
        for texts in zip(*(cells[name] for name in shown), strict=True):
            table.add_row(*map(Text, texts))
    else:
        # Names of the rows become the heads of the columns.
        heads = [name for name in shown if name in named] if len(finished) > 1 else []
        table.add_column(Text(", ".join(heads)))
        for texts in zip(*(cells[name] for name in heads), strict=True):
            table.add_column(Text(", ".join(filter(None, texts))), justify="right")
        for name in shown:
            if name not in heads:
                table.add_row(name, *map(Text, cells[name]))
    return table


def _split(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Return the rows of finished runs, and a line on each failed one."""
    failed = [row for row in rows if row.get("error")]
    lines = []
    for row in failed:
        names = [f"{title} {formatted(row, title)}" for title in _shown([row])]
        lines.append(f"{', '.join(names)}: {formatted(row, 'error')}")
    return [row for row in rows if not row.get("error")], lines


def _shown(rows: Sequence[Row]) -> list[str]:
    """Return the columns with a value in some row; deviations and errors stand elsewhere."""
    return [
        title
        for title in titles(rows)
        if title == base(title) != "error" and any(formatted(row, title) for row in rows)
    ]


def _markdown_lines(
    header: Sequence[str], cells: Sequence[Sequence[str]], left: Sequence[bool]
) -> list[str]:
    rule = ["---" if to_left else "---:" for to_left in left]
    return [f"| {' | '.join(line)} |" for line in (header, rule, *cells)]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
