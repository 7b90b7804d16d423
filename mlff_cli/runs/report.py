"""Tables and pictures of one run from what it saved: config, matrix and record, nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlff_cli.audit.verdict import sentence, sentences
from mlff_cli.results.cells import Row
from mlff_cli.results.class_table import INTERVALS, class_table, whole_table
from mlff_cli.results.comparison import REPORT
from mlff_cli.results.figures_table import figures_table
from mlff_cli.results.labels import markdown
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.operating_points import sentences as words_on_point
from mlff_cli.results.pictures import Pictures, bring
from mlff_cli.results.renderers import csv as as_csv
from mlff_cli.results.renderers import markdown as as_markdown
from mlff_cli.results.renderers.terminal import show
from mlff_cli.results.tables import (
    every_row,
    matrix_table,
    result_row,
    run_table,
)
from mlff_cli.runs.final_scores import FinalScores, chosen_anew, final_scores
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.page import tables_of, title_of, write_page
from mlff_cli.runs.record import RunRecord
from mlff_cli.system.files import write_atomically

FIGURES, ROW, TEXT = "figures.csv", "results.csv", "results.md"


def show_run(folder: RunFolder, target: Path | None = None) -> None:
    """Print a finished run's row, and where its page lies."""
    table = run_table(folder.matrix(), folder.record().facts, title_of(folder.config()))
    page = (target or folder.path) / REPORT
    show(table, page if page.is_file() else page.parent)


def row_of(folder: RunFolder) -> Row:
    """Return the row of a finished run."""
    return result_row(folder.matrix(), folder.record().facts)


def write_report(folder: RunFolder, target: Path, operating_point: Mapping[str, Any]) -> None:
    """Write a finished run's texts, pictures and page into a folder.

    Where `operating_point` names a limit, thresholds are chosen anew by it.
    """
    config, record, matrix = folder.config(), folder.record(), folder.matrix()
    bring(pictures_of(folder, target, config, record.level_weights))
    final = final_scores(folder, config, record, matrix)
    if any(value is not None for value in operating_point.values()):
        final = replace(final, points=chosen_anew(folder, record, matrix, operating_point))
    write_texts(target, config, record, matrix, final)
    write_page(folder, target, config, record=record, matrix=matrix, final=final)


def pictures_of(
    folder: RunFolder,
    target: Path,
    config: Mapping[str, Any],
    level_weights: Mapping[str, float],
) -> Pictures:
    """Return what is drawn of a run, from its matrix."""
    subject = f"{title_of(config)}, {config['method']['name']}"
    return Pictures(str(folder.path), str(target), subject, dict(level_weights))


def write_texts(
    target: Path,
    config: Mapping[str, Any],
    record: RunRecord,
    matrix: ScoreMatrix,
    final: FinalScores,
) -> None:
    """Write figures.csv, results.csv and results.md into a folder."""
    row = result_row(matrix, record.facts)
    write_atomically(target / FIGURES, figures_text(matrix, final))
    write_atomically(target / ROW, as_csv.render(every_row([row])))
    parts = [f"# {title_of(config)}", "", f"    {record.command}", ""]
    parts += [as_markdown.render(run_table(matrix, record.facts))]
    if record.leaks is not None:
        parts += ["", sentence(record.leaks)]
    for metric in matrix.metrics:
        parts += ["", f"## {metric}", "", as_markdown.render(matrix_table(matrix, metric))]
    parts += _experiences(final)
    for table in tables_of(record):
        parts += ["", f"## {table.title}", "", as_markdown.render(table)]
    if record.skipped:
        lines = (f"- {markdown(name)}: {markdown(problem)}" for name, problem in record.skipped)
        parts += ["", f"## {len(record.skipped)} images left out", "", *lines]
    write_atomically(target / TEXT, "\n".join(parts) + "\n")


def figures_text(matrix: ScoreMatrix, final: FinalScores) -> str:
    """Return what figures.csv holds: every figure of the matrix and of the final scores."""
    return as_csv.render(figures_table(matrix, final.figures, final.tried_points))


def _experiences(final: FinalScores) -> list[str]:
    """Return lines on each experience: its scores, classes and operating point."""
    points = {point.experience: words_on_point(point, of) for point, of in final.tried_points}
    parts: list[str] = []
    for name, figures in final.figures.items():
        parts += ["", f"## {markdown(name)}", "", as_markdown.render(whole_table(figures))]
        if (classes := class_table(figures)).rows:
            parts += [as_markdown.render(classes)]
        parts += [f"- {line}" for line in points.get(name, [])]
    return (
        [*parts, "", f"Scores are those of the final model, shares in percent; {INTERVALS}."]
        if parts
        else []
    )


def remarks_on_splits(folders: Iterable[RunFolder]) -> list[str]:
    """Return the lines on the splits of finished runs that a table is made of."""
    records = [folder.record() for folder in folders]
    checks = [(record.facts.scenario, record.leaks) for record in records]
    return sentences([(scenario, check) for scenario, check in checks if check is not None])
