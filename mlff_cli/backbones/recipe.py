"""Which backbone it is, known without building it: enough to find its features in the store."""

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.backbones.engines import ENGINE_VERSION, ONNX, OPENVINO, PLAIN
from mlff_cli.backbones.levels import Preprocessing, as_size
from mlff_cli.errors import UserError
from mlff_cli.system.onnx_runtime import runtime_version
from mlff_cli.system.openvino import openvino_version

if TYPE_CHECKING:
    from mlff_cli.backbones.network import Backbone

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class BackboneRecipe(ABC):
    """A pretrained network by name, weight file and levels.

    The keyword arguments of a subclass are the keys of its YAML and `image_size`, the side in
    pixels of the square that images are brought to, or height and width.
    """

    model: str
    """timm's name of the architecture."""
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        weights: str | None,
        levels: list[str],
        engine: str = PLAIN,
    ) -> None:
        self.image_size = as_size(image_size)
        self.given_weights = weights
        self.levels = tuple(levels)
        self.engine = engine

    @abstractmethod
    def pretrained_file(self) -> Path:
        """Return the file of the usual weights, fetched where it must be and can be.

        Raises:
            UserError: It is neither here nor to be had; the message names `backbone.weights`.
        """

    def state(self, file: Path) -> dict[str, Any]:
        """Return the file's tensors under timm's names.

        Raises:
            UserError: The file holds no weights, or asks for code to be run.
        """
        from mlff_cli.backbones.weights import read_weights

        return read_weights(file)

    @property
    def preprocessing(self) -> Preprocessing:
        """How images become this network's input."""
        return Preprocessing(self.image_size, self.mean, self.std)

    @cached_property
    def weights_file(self) -> Path:
        """The file that `backbone.weights` names, else the usual one."""
        if self.given_weights is None:
            return self.pretrained_file()
        path = Path(self.given_weights).expanduser()
        if not path.is_file():
            raise UserError(f"backbone.weights: there is no file '{path}'")
        return path

    @cached_property
    def fingerprint(self) -> str:
        """Hash (64 hex digits) of architecture, weights, levels, preprocessing and engine."""
        with self.weights_file.open("rb") as file:
            weights = hashlib.file_digest(file, "sha256").hexdigest()
        facts = [self.model, weights, self.levels, self.image_size, self.mean, self.std]
        # Without one where nothing is changed: as it was before there were engines.
        facts += [] if self.engine == PLAIN else [self.engine, ENGINE_VERSION]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def feature_fingerprint(self) -> str:
        """What features are kept under: they depend on the version of what computes graphs as well.

        Raises:
            UserError: ONNX Runtime or OpenVINO is to compute and is missing.
        """
        versions = {ONNX: runtime_version, OPENVINO: openvino_version}
        if self.engine not in versions:
            return self.fingerprint
        made_with = f"{self.fingerprint} {versions[self.engine]()}"
        return hashlib.sha256(made_with.encode()).hexdigest()

    @property
    def description(self) -> str:
        """The backbone in words, for people."""
        size = self.image_size
        shown = f"{size}" if isinstance(size, int) else "{} x {}".format(*size)
        engine = "" if self.engine == PLAIN else f", engine {self.engine}"
        return f"{self.model}, {shown} px, {self.weights_file.name}{engine}"

    def build(self) -> "Backbone":
        """Return the network with its weights as they are, frozen, in eval mode.

        Whatever the engine: it is what engines are made of.

        Raises:
            UserError: The weights do not fit or are damaged, or a level does not exist.
        """
        from mlff_cli.backbones.network import Backbone
        from mlff_cli.backbones.tapped import tapped
        from mlff_cli.backbones.weights import require_fit

        # Before timm is imported: without this an absent network costs 47 s of noisy retries.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        file = self.weights_file
        weights = self.state(file)
        if self.given_weights is not None:
            require_fit(self.model, weights, file)
        module, levels = tapped(
            self.model, weights, file, image_size=self.image_size, wanted=self.levels
        )
        return Backbone(module, levels, self.preprocessing)
