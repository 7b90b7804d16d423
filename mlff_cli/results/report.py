"""Tables and plots of one run from what it saved: matrix and facts, nothing else."""

from typing import Any

from mlff_cli.results import plots
from mlff_cli.results.columns import Row, write_csv
from mlff_cli.results.labels import markdown
from mlff_cli.results.leak_verdict import sentence
from mlff_cli.results.run_folder import RunFolder
from mlff_cli.results.tables import markdown_table, matrix_markdown, result_row, summary


def write_report(folder: RunFolder) -> Row:
    """Write summary.json, results.csv, results.md and the plots; return the run's row."""
    matrix, facts = folder.matrix(), folder.facts()
    environment = folder.read_json("env.json")
    title = str(folder.config().get("task", {}).get("title") or facts.scenario)
    subject = f"{title}, {facts.method}"
    row = result_row(matrix, facts)
    folder.write_json("summary.json", figures(folder))
    write_csv(folder.path / "results.csv", [row])
    parts = [f"# {title}", "", f"    {environment.get('command', '')}", "", markdown_table([row])]
    if check := environment.get("leak_check"):
        parts += ["", sentence(check)]
    for metric in matrix.metrics:
        parts += ["", f"## {metric}", "", matrix_markdown(matrix, metric, facts.seed)]
        name = metric.replace(" ", "_").replace("/", "_")
        plots.score_matrix(folder.path / f"matrix_{name}.png", matrix, metric, facts.seed, subject)
        plots.curves(folder.path / f"curve_{name}.png", matrix, metric, facts.seed, subject)
    weights: dict[str, Any] = environment.get("level_weights", {})
    if weights:
        plots.level_weights(
            folder.path / "level_weights.png", list(weights), list(weights.values()), subject
        )
    if skipped := environment.get("skipped_images"):
        lines = (f"- {markdown(name)}: {markdown(problem)}" for name, problem in skipped)
        parts += ["", f"## {len(skipped)} images left out", "", *lines]
    folder.write_text("results.md", "\n".join(parts) + "\n")
    return row


def figures(folder: RunFolder) -> dict[str, Any]:
    """Return what summary.json holds: the matrix's figures, and the images that were left out."""
    skipped = folder.read_json("env.json").get("skipped_images", [])
    return {**summary(folder.matrix(), folder.facts().seed), "skipped_images": skipped}
