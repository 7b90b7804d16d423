"""The row of a run, and the tables of results: of rows, of figures, of the score matrix."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlff_cli.metrics.figures import FIGURES, NOTATION, Figured, figures
from mlff_cli.metrics.registry import all_metrics, by_name
from mlff_cli.results.cells import LEFT_OUT, Kind, Row, known_or_none
from mlff_cli.results.columns import ADDED, ERROR, columns_of, differing, score_columns
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.table import Column, Table


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
        peak_memory_mib: Highest memory in MiB, None where it was not measured.
        experiences: Names of the experiences learned.
        added_parameters: What the last experience added: its head, its own fusion layer; None
            where all were learned at once, or by an older version.
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
    peak_memory_mib: float | None
    experiences: tuple[str, ...]
    added_parameters: int | None = None


def result_row(matrix: ScoreMatrix, facts: RunFacts) -> Row:
    """Return the row of one run; columns of some metrics only where they have scores.

    The training time of several experiences at once is divided by their number.
    """
    row: Row = {
        "scenario": facts.scenario,
        "method": facts.method,
        "backbone": facts.backbone,
        "fusion": facts.fusion,
        "seed": facts.seed,
    }
    row |= _scores(matrix)
    full, steps = facts.full_parameters, len(facts.experiences)
    row["trainable parameters"] = facts.trainable_parameters
    row["saving (%)"] = 100 * (1 - facts.trainable_parameters / full) if full else None
    if facts.added_parameters is not None:
        row[ADDED] = facts.added_parameters
    row["training seconds per experience"] = sum(facts.training_seconds) / steps if steps else None
    row["feature extraction seconds"] = known_or_none(facts.extraction_seconds)
    row["peak memory (MiB)"] = facts.peak_memory_mib
    return row


def _scores(matrix: ScoreMatrix) -> Row:
    row: Row = {}
    computed: dict[str, dict[str, Figured]] = {}
    for column, metric, figure in score_columns():
        if metric.always or metric.name in matrix.metrics:
            if metric.name not in computed:
                computed[metric.name] = matrix_figures(matrix, metric.name)
            figured = computed[metric.name][figure]
            if FIGURES[figure].of == "together" and math.isnan(figured.value):
                continue  # where no classes arrive, there is no such column
            row[column.title] = known_or_none(figured.value)
            if figured.left_out:
                row[column.title + LEFT_OUT] = _left_out(matrix, figure, figured)
    return row


def _left_out(matrix: ScoreMatrix, figure: str, figured: Figured) -> str:
    """Return which experiences a figure leaves out, in words."""
    unseen = FIGURES[figure].of == "unseen"
    names = matrix.experiences[matrix.learned :] if unseen else matrix.experiences
    total = len(names) if unseen else matrix.learned
    said = ", ".join(names[place] for place in figured.left_out)
    return f"{len(figured.left_out)} of {total} experiences, which have no value: {said}"


def matrix_figures(matrix: ScoreMatrix, name: str) -> dict[str, Figured]:
    """Return every figure of one metric, by its name in the matrix."""
    scores = matrix.masked_array(name)
    learned, unseen = scores[:, : matrix.learned], scores[:, matrix.learned :]
    return figures(by_name(name), learned, unseen, matrix.together_array(name))


def every_row(rows: Sequence[Row]) -> Table:
    """Return rows of runs with every column that one of them has: for machines."""
    return Table("", columns_of(rows), rows)


def results_table(rows: Sequence[Row], title: str = "") -> Table:
    """Return rows of runs for people: columns that have a value, failed runs in the notes."""
    finished = [row for row in rows if not row.get(ERROR.title)]
    failed = [row for row in rows if row.get(ERROR.title)]
    known = [column for column in columns_of(finished) if column != ERROR]
    columns = [column for column in known if any(map(column.text, finished))]
    # Of columns without any value as well: they are missing because of what they leave out.
    notes = [*_notes_on_left_out(finished, known), *map(_failure, failed)]
    return Table(title, columns, finished, notes, legend=f"{NOTATION}.")


def run_table(matrix: ScoreMatrix, facts: RunFacts, title: str = "") -> Table:
    """Return the row of one run for people, and the units of its errors."""
    table = results_table([result_row(matrix, facts)], title)
    return replace(table, notes=[*table.notes, *_notes_on_units(matrix)])


def _notes_on_units(matrix: ScoreMatrix) -> Iterator[str]:
    """Yield what a metric in the targets' own unit is an error of, their names telling units."""
    for metric in all_metrics():
        outputs = [
            name.removeprefix(f"{metric.name} ")
            for name in matrix.metrics
            if metric.unit == "target" and metric.belongs(name) and name != metric.name
        ]
        if len(outputs) == 1:
            yield f"{metric.name} is that of {outputs[0]}, in its unit"
        elif outputs:
            yield f"{metric.name} is the mean over {', '.join(outputs)}, each in its own unit"


def matrix_table(matrix: ScoreMatrix, name: str) -> Table:
    """Return the scores of one metric as a table of names, blank where there is none."""
    kind: Kind = "fraction" if by_name(name).in_percent else "number"
    columns = [Column(name, key="step")]
    columns += [Column(title, kind, key=str(j)) for j, title in enumerate(matrix.experiences)]
    scores = matrix.full_array(name)
    rows: list[Row] = []
    for trained, step in matrix.trainings(name):
        values = {str(j): known_or_none(float(value)) for j, value in enumerate(scores[trained])}
        rows.append({"step": f"after {step}" if trained else step, **values})
    return Table(name, columns, rows)


def _notes_on_left_out(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """Return a line for each thing that is left out, with the rows that do so unless all do."""
    names = differing(rows)
    told: dict[str, list[str]] = {}
    for row in rows:
        whose = ", ".join(filter(None, (column.text(row) for column in names)))
        for line in _lines_on_left_out(row, columns):
            told.setdefault(line, []).append(whose)
    return [
        line if len(whose) == len(rows) else f"{'; '.join(whose)}: {line}"
        for line, whose in told.items()
    ]


def _lines_on_left_out(row: Row, columns: Sequence[Column]) -> list[str]:
    titles: dict[str, list[str]] = {}
    for column in columns:
        if text := row.get(column.title + LEFT_OUT):
            titles.setdefault(str(text), []).append(column.title)
    return [
        f"{', '.join(named)} {'leaves' if len(named) == 1 else 'leave'} out {text}"
        for text, named in titles.items()
    ]


def _failure(row: Row) -> str:
    named = [column for column in columns_of([row]) if column != ERROR and column.text(row)]
    names = ", ".join(f"{column.title} {column.text(row)}" for column in named)
    return f"failed: {names}: {ERROR.text(row)}"
