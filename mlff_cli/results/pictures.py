"""Which pictures a run has, their names, and whether they have to be drawn."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from mlff_cli.results.curves_plot import curves
from mlff_cli.results.matrix_file import read_csv
from mlff_cli.results.matrix_plot import score_matrix
from mlff_cli.results.weights_plot import level_weights
from mlff_cli.system.environment import program
from mlff_cli.system.files import write_atomically

DRAWN = "pictures.json"
"""What the pictures beside it were drawn from, and the hash of each."""


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
    """Draw score matrix and curves of every metric, and the level weights, as PNG files.

    A run notes beside its own what they were drawn from.
    """
    drawn = list(_drawn(pictures))
    if pictures.target == pictures.run:
        made = {path.name: _hash(path.read_bytes()) for path in drawn}
        note = json.dumps({"source": _source(pictures), "files": made}, indent=2)
        write_atomically(Path(pictures.run) / DRAWN, f"{note}\n")


def bring(pictures: Pictures) -> None:
    """Take over the pictures that the run has, if the same would be drawn now; else draw them."""
    own = _own(pictures)
    if not own:
        draw(pictures)
    for name, content in own.items():
        write_atomically(Path(pictures.target) / name, content)


def _drawn(pictures: Pictures) -> Iterator[Path]:
    folder = Path(pictures.target)
    matrix = read_csv(Path(pictures.run) / "matrix.csv")
    for metric in matrix.metrics:
        name = metric.replace(" ", "_").replace("/", "_")
        for kind, plot in (("matrix", score_matrix), ("curve", curves)):
            path = folder / f"{kind}_{name}.png"
            plot(path, matrix, metric, pictures.subject)
            yield path
    if weights := pictures.level_weights:
        path = folder / "level_weights.png"
        level_weights(path, list(weights), list(weights.values()), pictures.subject)
        yield path


def _own(pictures: Pictures) -> dict[str, bytes]:
    """Return the run's own pictures by name; none where one is missing, changed or outdated."""
    folder = Path(pictures.run)
    try:
        note, source = json.loads((folder / DRAWN).read_text(encoding="utf-8")), _source(pictures)
        if not source or note["source"] != source:
            return {}
        found = {Path(name).name: (folder / name).read_bytes() for name in note["files"]}
        whole = all(_hash(found[name]) == made for name, made in note["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found if whole else {}


def _source(pictures: Pictures) -> str:
    """Return a hash of all that the pictures follow from; "" where fonts decide as well."""
    matrix = (Path(pictures.run) / "matrix.csv").read_bytes()
    names: Sequence[str] = (pictures.subject, *pictures.level_weights)
    if not matrix.isascii() or not all(map(str.isascii, names)):
        return ""
    made = [_hash(matrix), pictures.subject, list(pictures.level_weights.items())]
    return _hash(json.dumps([*made, program(), version("matplotlib")]).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
