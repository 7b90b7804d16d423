"""Tables and plots of one run from what it saved: matrix and facts, nothing else."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlff_cli.audit.verdict import sentence, sentences
from mlff_cli.results.cells import Row
from mlff_cli.results.labels import markdown
from mlff_cli.results.pictures import Pictures, draw
from mlff_cli.results.renderers import csv as as_csv
from mlff_cli.results.renderers import markdown as as_markdown
from mlff_cli.results.tables import (
    every_row,
    figures_table,
    matrix_table,
    result_row,
    results_table,
)
from mlff_cli.runs.folder import RunFolder


def write_report(folder: RunFolder) -> Row:
    """Write the texts and the pictures; return the run's row."""
    weights = folder.read_json("env.json").get("level_weights", {})
    draw(pictures_of(folder, folder.config(), weights))
    return write_texts(folder)


def pictures_of(
    folder: RunFolder, config: Mapping[str, Any], level_weights: Mapping[str, float]
) -> Pictures:
    """Return what is drawn of a run."""
    subject = f"{title_of(config)}, {config['method']['name']}"
    return Pictures(str(folder.path), subject, dict(level_weights))


def title_of(config: Mapping[str, Any]) -> str:
    """Return the task in words."""
    task = config.get("task", {})
    return str(task.get("title") or task.get("name", ""))


def write_texts(folder: RunFolder) -> Row:
    """Write figures.csv, results.csv and results.md; return the run's row."""
    matrix, facts = folder.matrix(), folder.facts()
    environment = folder.read_json("env.json")
    row = result_row(matrix, facts)
    folder.write_text("figures.csv", figures_text(folder))
    folder.write_text("results.csv", as_csv.render(every_row([row])))
    command = environment.get("command", "")
    parts = [f"# {title_of(folder.config())}", "", f"    {command}", ""]
    parts += [as_markdown.render(results_table([row]))]
    if check := environment.get("leak_check"):
        parts += ["", sentence(check)]
    for metric in matrix.metrics:
        parts += ["", f"## {metric}", "", as_markdown.render(matrix_table(matrix, metric))]
    if skipped := environment.get("skipped_images"):
        lines = (f"- {markdown(name)}: {markdown(problem)}" for name, problem in skipped)
        parts += ["", f"## {len(skipped)} images left out", "", *lines]
    folder.write_text("results.md", "\n".join(parts) + "\n")
    return row


def figures_text(folder: RunFolder) -> str:
    """Return what figures.csv holds: every figure of the matrix."""
    return as_csv.render(figures_table(folder.matrix()))


def remarks_on_splits(folders: Iterable[RunFolder]) -> list[str]:
    """Return the lines on the splits of finished runs that a table is made of."""
    checks = []
    for folder in folders:
        if check := folder.read_json("env.json").get("leak_check"):
            checks.append((folder.facts().scenario, check))
    return sentences(checks)
