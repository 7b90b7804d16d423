"""A finished run: its tables, its pictures, its trained parts, and what it says of images."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.errors import UserError, nearest
from mlff_cli.library.frames import frame_of_file
from mlff_cli.library.guest import as_guest
from mlff_cli.library.images import ImageLike
from mlff_cli.library.opened import Opened
from mlff_cli.results.comparison import REPORT
from mlff_cli.results.matrix import TOGETHER
from mlff_cli.runs.final_scores import ALL_TOGETHER
from mlff_cli.runs.folder import MATRIX, PREDICTIONS, SPLITS, RunFolder

if TYPE_CHECKING:
    from pandas import DataFrame
    from PIL import Image
    from torch import Tensor


def open_run(folder: "str | Path | Run") -> "Run":
    """Open the folder of a finished run; nothing heavy is loaded before it is asked for.

    Raises:
        UserError: There is no run, or it is not finished.
    """
    return folder if isinstance(folder, Run) else Run(Path(folder))


class Run:
    """A finished run.

    Attributes:
        folder: Where it lies.
        config: Its configuration, as in ``config.yaml``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        files = RunFolder(self.folder)
        self.config: dict[str, Any] = files.config()
        if not files.finished:
            raise UserError(f"{folder}: is not finished; mlff train of its config resumes it")
        self._files = files
        self.opened = Opened(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        """Return the row of results, upright: what a notebook shows."""
        shown: str = self.results.T.to_html(header=False)
        return shown

    @cached_property
    def experiences(self) -> tuple[str, ...]:
        """What it has learned, in order: products, batches, or sets of classes."""
        return self._files.record().facts.experiences

    @property
    def results(self) -> "DataFrame":
        """Its row: ``results.csv``; shares from 0 to 1."""
        return frame_of_file(self.folder / "results.csv")

    @property
    def matrix(self) -> "DataFrame":
        """Every score after every training: ``matrix.csv``."""
        return frame_of_file(self.folder / MATRIX)

    def scores(self, metric: str) -> "DataFrame":
        """Return a score as a matrix: a row for each training, a column for each experience.

        Where one head grows there is a column for all experiences together as well.

        Raises:
            UserError: There is no such metric.
        """
        matrix = self.matrix
        own = matrix[matrix["metric"] == metric]
        if own.empty:
            raise UserError(f"there is no metric '{metric}'; {nearest(metric, matrix['metric'])}")
        names = dict(zip(own["experience_scored"], own["name_scored"], strict=True))
        names |= {TOGETHER: ALL_TOGETHER} if TOGETHER in names else {}
        table = own.pivot(index="experience_trained", columns="experience_scored", values="value")
        return table.rename(columns=names)

    @property
    def figures(self) -> "DataFrame":
        """Every figure with floor, interval and definition: ``figures.csv``."""
        return frame_of_file(self.folder / "figures.csv")

    @property
    def predictions(self) -> "DataFrame":
        """Every image that was scored, with truth and scores: ``predictions.csv``."""
        return frame_of_file(self.folder / PREDICTIONS)

    @property
    def splits(self) -> "DataFrame":
        """Which image it trained on, validated on and was scored on: ``splits.csv``."""
        return frame_of_file(self.folder / SPLITS)

    @property
    def report(self) -> Path:
        """Its page, one file to be sent: ``report.html``."""
        return self.folder / REPORT

    @property
    def pictures(self) -> dict[str, Path]:
        """Its pictures by name: ``matrix_mAP``, ``curve_mAP``, ``images``, ..."""
        return {file.stem: file for file in sorted(self.folder.glob("*.png"))}

    @property
    def products(self) -> dict[str, tuple[str, ...]]:
        """What it can be asked about, and the classes or numbers that it answers with."""
        with as_guest():
            deployed = self.opened.deployed()
            return {name: deployed.heads[head] for name, head in deployed.experiences.items()}

    @property
    def adapters(self) -> "dict[str, Mapping[str, Tensor]]":
        """The trained parts by head: tensors by name."""
        with as_guest():
            deployed = self.opened.deployed()
            return {head: deployed.method_of(head).part(head) for head in deployed.heads}

    def predict(
        self, images: ImageLike | Iterable[ImageLike], *words: str, show: bool = False, **keys: Any
    ) -> "DataFrame":
        """Say what images show: as `predict` with this run, which stays in memory."""
        return self.opened.answers(images, words, keys, show=show)

    def overlay(self, image: ImageLike, *words: str, **keys: Any) -> "Image.Image":
        """Return an image with where the network looked; keys as for `predict`.

        Raises:
            UserError: It cannot be read, or the fusion layer keeps nothing of places.
        """
        return self.opened.overlay(image, words, keys)
