"""What answers on images, opened once: a run, a bundle, an exported file."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.config.composition import compose_config
from mlff_cli.config.overrides import words_of
from mlff_cli.errors import UserError
from mlff_cli.library.frames import frame
from mlff_cli.library.guest import as_guest
from mlff_cli.library.images import ImageLike, asked_about, parts_about

if TYPE_CHECKING:
    from pandas import DataFrame
    from PIL import Image

    from mlff_cli.runs.answer import Answering
    from mlff_cli.runs.deciding import DecisionSettings
    from mlff_cli.runs.deployed import Deployed


class Opened:
    """What answers, opened once; how it is asked may change from call to call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, tuple[Deployed, DecisionSettings | None]] = {}

    def answers(
        self,
        images: ImageLike | Iterable[ImageLike],
        words: Sequence[str],
        keys: Mapping[str, Any],
        *,
        show: bool = False,
    ) -> "DataFrame":
        """Return what is said of images."""
        from mlff_cli.commands.predict import columns_of, line_of
        from mlff_cli.system.logs import logging_to

        with as_guest(show=show), logging_to(None):
            predictor = self.predictor(words, keys)
            asked = parts_about(images, predictor.modalities)
            lines = [line_of(answer, predictor) for answer in predictor.answers(asked)]
        return frame(lines, columns_of(predictor))

    def overlay(
        self, image: ImageLike, words: Sequence[str], keys: Mapping[str, Any]
    ) -> "Image.Image":
        """Return an image with where the network looked.

        Raises:
            UserError: It cannot be read, or the fusion layer keeps nothing of places.
        """
        from mlff_cli.images.glow import overlaid
        from mlff_cli.runs.answer import image_of

        (asked,) = asked_about([image])
        with as_guest():
            predictor = self.predictor(words, keys, look=True)
            parts_about([image], predictor.modalities)
            (answer,) = predictor.answers([asked])
            if answer.where is None:
                raise UserError(f"{asked}: {answer.problem}")
            bits = self.deployed(words, keys).bits
            return overlaid(image_of(asked, bits).load(), answer.where)

    def deployed(
        self, words: Sequence[str] = (), keys: Mapping[str, Any] | None = None
    ) -> "Deployed":
        """Return what answers."""
        return self._deployed(self._config(words, keys or {}))[0]

    def predictor(
        self, words: Sequence[str], keys: Mapping[str, Any], *, look: bool = False
    ) -> "Answering":
        """Return what answers in a way."""
        from mlff_cli.runs.opening import answering, is_exported, predictor_of

        config = self._config(words, keys)
        if is_exported(self.path):
            return predictor_of(self.path, config, look=look)
        return answering(*self._deployed(config), config, look=look)

    def _config(self, words: Sequence[str], keys: Mapping[str, Any]) -> dict[str, Any]:
        config = compose_config("predict", [*words, *words_of(keys)])
        for key in ("words", "watch", "output", "overlays"):
            if config[key]:
                raise UserError(f"{key}: is for the command line; a data frame is returned here")
        return config

    def _deployed(self, config: Mapping[str, Any]) -> "tuple[Deployed, DecisionSettings | None]":
        """Return what answers, made anew only where device, weights or batches are others."""
        from mlff_cli.runs.opening import deployed_of

        key = repr([config[name] for name in ("trainer", "paths", "backbone", "batch_size")])
        if key not in self._known:
            self._known = {key: deployed_of(self.path, config)}
        return self._known[key]
