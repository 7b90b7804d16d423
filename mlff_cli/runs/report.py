"""Tables and plots of one run from what it saved: matrix and facts, nothing else."""

from collections.abc import Mapping
from typing import Any

from mlff_cli.audit.verdict import sentence
from mlff_cli.results.columns import Row, write_csv
from mlff_cli.results.labels import markdown
from mlff_cli.results.pictures import Pictures, draw
from mlff_cli.results.tables import markdown_table, matrix_markdown, result_row, summary
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
    return Pictures(str(folder.path), subject, int(config["seed"]), dict(level_weights))


def title_of(config: Mapping[str, Any]) -> str:
    """Return the task in words."""
    task = config.get("task", {})
    return str(task.get("title") or task.get("name", ""))


def write_texts(folder: RunFolder) -> Row:
    """Write summary.json, results.csv and results.md; return the run's row."""
    matrix, facts = folder.matrix(), folder.facts()
    environment = folder.read_json("env.json")
    row = result_row(matrix, facts)
    folder.write_json("summary.json", figures(folder))
    write_csv(folder.path / "results.csv", [row])
    command = environment.get("command", "")
    parts = [f"# {title_of(folder.config())}", "", f"    {command}", "", markdown_table([row])]
    if check := environment.get("leak_check"):
        parts += ["", sentence(check)]
    for metric in matrix.metrics:
        parts += ["", f"## {metric}", "", matrix_markdown(matrix, metric, facts.seed)]
    if skipped := environment.get("skipped_images"):
        lines = (f"- {markdown(name)}: {markdown(problem)}" for name, problem in skipped)
        parts += ["", f"## {len(skipped)} images left out", "", *lines]
    folder.write_text("results.md", "\n".join(parts) + "\n")
    return row


def figures(folder: RunFolder) -> dict[str, Any]:
    """Return what summary.json holds: the matrix's figures, and the images that were left out."""
    skipped = folder.read_json("env.json").get("skipped_images", [])
    return {**summary(folder.matrix(), folder.facts().seed), "skipped_images": skipped}
