"""Features of images: computed once, kept by content, read again at once."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlff_cli.config.composition import compose_config
from mlff_cli.config.overrides import words_of
from mlff_cli.images.decoding import WIDEST
from mlff_cli.library.guest import as_guest
from mlff_cli.library.images import ImageLike, asked_about
from mlff_cli.library.run import Run


class Features:
    """What a frozen backbone sees in images, at several depths.

    ``Features(backbone="resnet18", data={"image_size": 224})`` takes the keys of `train`. What
    was computed lies in ``paths.features``, shared by all runs; ``features.store=false`` keeps it
    in memory alone.

    Raises:
        UserError: A word, key or value is wrong, or the backbone's weights are not there.
    """

    def __init__(self, *words: str, **keys: Any) -> None:
        with as_guest():
            self._set_up(compose_config("train", [*words, *words_of(keys)]), WIDEST)

    @classmethod
    def of_run(cls, run: Run) -> "Features":
        """Return features as a run's fusion layers read them."""
        from mlff_cli.runs.reopen import reopen

        made = cls.__new__(cls)
        with as_guest():
            here = compose_config("train", [])
            opened = reopen(run.folder, trainer=here["trainer"], paths=here["paths"])
            made._set_up(opened.config, opened.record.bits)
        return made

    def _set_up(self, config: dict[str, Any], bits: int | None) -> None:
        from mlff_cli.runs.building import build_device, build_features

        known = config["data"].get("bits")
        self._bits = known if isinstance(known, int) else bits
        self._features = build_features(config, build_device(config))

    @property
    def levels(self) -> dict[str, int]:
        """The depths at which there are features, the shallowest first, with their channels."""
        with as_guest():
            return {level.name: level.channels for level in self._features.facts.levels}

    def read(
        self, images: ImageLike | Iterable[ImageLike], pooling: str = "mean", *, show: bool = False
    ) -> dict[str, NDArray[np.float32]]:
        """Return the features (N, C) of N images by level; what is not stored is computed first.

        Args:
            images: Paths (folders, patterns and lists of images too), pictures, or arrays.
            pooling: ``mean``, ``max``, ``min``, ``deviation`` or ``range`` over all places;
                ``grid`` for (N, C, 4, 4), ``map`` for (N, C, H, W).
            show: Whether to say on the terminal what happens.

        Raises:
            UserError: An image cannot be read, or there is no such pooling.
        """
        from mlff_cli.features.pooling import LevelInput
        from mlff_cli.features.pooling import pooling as known_pooling
        from mlff_cli.runs.answer import image_of
        from mlff_cli.system.logs import logging_to

        asked = asked_about(images)
        with as_guest(show=show), logging_to(None):
            known_pooling(pooling)
            sources = [image_of(image, self._bits) for image in asked]
            inputs = [LevelInput(level.name, pooling) for level in self._features.facts.levels]
            columns = self._features.read(sources, inputs)[:]
            return {
                item.level: column.numpy() for item, column in zip(inputs, columns, strict=True)
            }
