"""Which pictures a run has, and their names."""

from dataclasses import dataclass
from pathlib import Path

from mlff_cli.results.curves_plot import curves
from mlff_cli.results.matrix_file import read_csv
from mlff_cli.results.matrix_plot import score_matrix
from mlff_cli.results.weights_plot import level_weights


@dataclass(frozen=True)
class Pictures:
    """What is needed to draw a run's pictures, beside its matrix.csv.

    Attributes:
        run: Folder of the run.
        target: Folder for the pictures.
        subject: What was run, for the titles: task and method.
        level_weights: Weight of each level; empty where the fusion layer learns none.
    """

    run: str
    target: str
    subject: str
    level_weights: dict[str, float]


def draw(pictures: Pictures) -> None:
    """Draw score matrix and curves of every metric, and the level weights, as PNG files."""
    folder = Path(pictures.target)
    matrix = read_csv(Path(pictures.run) / "matrix.csv")
    for metric in matrix.metrics:
        name = metric.replace(" ", "_").replace("/", "_")
        for kind, plot in (("matrix", score_matrix), ("curve", curves)):
            plot(folder / f"{kind}_{name}.png", matrix, metric, pictures.subject)
    if weights := pictures.level_weights:
        level_weights(
            folder / "level_weights.png", list(weights), list(weights.values()), pictures.subject
        )
