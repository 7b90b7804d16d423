"""Answers on images that nobody has labelled, as a data frame."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.library.images import ImageLike
from mlff_cli.library.opened import Opened
from mlff_cli.library.run import Run

if TYPE_CHECKING:
    from pandas import DataFrame


def predict(
    model: Run | str | Path,
    images: ImageLike | Iterable[ImageLike],
    *words: str,
    show: bool = False,
    **keys: Any,
) -> "DataFrame":
    """Say what images show; a row for each, in their order.

    Args:
        model: A run, or the path of a run's folder, of a bundle, or of an exported .onnx file.
        images: Paths (folders, patterns and lists of images too), pictures of Pillow, or arrays.
        words: Keys as on the command line: ``"product=auto"``.
        show: Whether to say on the terminal what happens.
        keys: Keys as Python values: ``product="auto"``, ``decision={"novelty": 0.05}``.

    Returns:
        The columns of ``mlff predict output=answers.csv``. An image that cannot be read has its
        reason in ``problem``.

    Raises:
        UserError: There is nothing to predict with, no image, or a key or value is wrong.
    """
    opened = Opened(Path(model).expanduser()) if isinstance(model, str | Path) else model.opened
    return opened.answers(images, words, keys, show=show)
