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
    from rich.console import Group
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

    Raises:
        ValueError: The matrix has no scores of the run's seed.
    """
    if facts.seed not in matrix.seeds:
        raise ValueError(f"the matrix has the seeds {matrix.seeds}, and not {facts.seed}")
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
        lines += ["", "Failed runs:", "", *(f"- {markdown(line)}" for line in failed)]
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


def rich_table(rows: Sequence[Row], title: str) -> "Group":
    """Return the rows rounded for the terminal: a table for each scenario, runs side by side.

    What is the same in all rows, and the runs that failed, stand below.
    """
    from rich.console import Group
    from rich.text import Text

    finished, failed = _split(rows)
    cells = {name: [formatted(row, name) for row in finished] for name in _shown(finished)}
    same = [
        name
        for name, texts in cells.items()
        if kind(name) in ("text", "integer") and len(texts) > 1 and len(set(texts)) == 1
    ]
    shown = [name for name in cells if name not in same]
    scenarios = list(dict.fromkeys(row.get("scenario") for row in finished))
    tables = []
    for scenario in scenarios:
        block = [row for row in finished if row.get("scenario") == scenario]
        heading = title if len(scenarios) == 1 else f"{title}: {scenario}"
        names = [name for name in shown if name != "scenario" or len(finished) == 1]
        for first in range(0, len(block), _SIDE_BY_SIDE):
            tables.append(_side_by_side(block[first : first + _SIDE_BY_SIDE], names, heading))
    notes = [", ".join(f"{name} {cells[name][0]}" for name in same)] if same else []
    notes += [f"failed: {line}" for line in failed]
    return Group(*tables, *(Text(note) for note in notes))


def _side_by_side(rows: Sequence[Row], shown: Sequence[str], title: str) -> "Table":
    from rich.table import Table
    from rich.text import Text

    names = [name for name in shown if kind(name) in ("text", "integer")]
    table = Table(title=Text(plain(title)), title_justify="left", show_header=len(rows) > 1)
    table.add_column(Text(", ".join(names)))
    for row in rows:
        heading = ", ".join(filter(None, (formatted(row, name) for name in names)))
        table.add_column(Text(heading), justify="right")
    for name in shown:
        if name not in names or len(rows) == 1:
            table.add_row(Text(name), *(Text(formatted(row, name)) for row in rows))
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
