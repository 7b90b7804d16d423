"""An exported ONNX file, run by ONNX Runtime; imports no torch."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import UserError
from mlff_cli.system.extras import extra_module

IMAGE = "image"
THRESHOLD, NOVELTY = "threshold", "novelty_limit"
"""Inputs of a graph: images, and two numbers that it has in it and that may be given instead."""

NEVER = 0.0
"""As a limit of p-values: nothing is unknown, since every p-value is above it."""

EXTRA = "export"


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
        runtime = extra_module("onnxruntime", EXTRA)
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        # Threads that spin while they wait starve every other process of a small machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Of int8: on processors whose sums of products would overflow, slower ones that do not.
        options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            self._session: Any = runtime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # it has a type of its own for everything, without a common one
            lines = str(error).splitlines()
            raise UserError(
                f"{name}: cannot be loaded as an ONNX file ({lines[0] if lines else error!r})"
            ) from error
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
