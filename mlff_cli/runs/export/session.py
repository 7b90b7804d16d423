"""An exported ONNX file, run by ONNX Runtime; imports no torch."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlff_cli.system.onnx_runtime import loaded

IMAGE = "image"
THRESHOLD, NOVELTY = "threshold", "novelty_limit"
"""Inputs of a graph: images, and two numbers that it has in it and that may be given instead."""

NEVER = 0.0
"""As a limit of p-values: nothing is unknown, since every p-value is above it."""


class Said(NamedTuple):
    """What is said of B images; the names are those of the outputs of a graph.

    Attributes:
        scores: (B, O), float32.
        defect_score: (B,), float64; nan where there are no good parts.
        novelty: (B,), float32; nan where nothing is known of the training images.
        decision: (B,), int64, codes.
    """

    scores: NDArray[np.float32]
    defect_score: NDArray[np.float64]
    novelty: NDArray[np.float32]
    decision: NDArray[np.int64]


class Session:
    """A graph, ready to answer."""

    def __init__(self, content: bytes, name: str) -> None:
        """Load a graph.

        Raises:
            UserError: ONNX Runtime is missing, or these are no bytes of a graph that it can run.
        """
        self._session: Any = loaded(content, name)
        self.name = name

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the file says of itself."""
        found: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    @property
    def settings(self) -> set[str]:
        """The numbers that may be given instead of those in the file."""
        return {item.name for item in self._session.get_overridable_initializers()}

    def __call__(
        self, images: NDArray[np.uint8], limits: Mapping[str, np.floating[Any]] | None = None
    ) -> Said:
        """Answer for images of one size (B, H, W, 3); `limits` are used instead of the file's."""
        fed = {IMAGE: images} | {name: np.array(value) for name, value in (limits or {}).items()}
        return Said(*self._session.run(list(Said._fields), fed))
