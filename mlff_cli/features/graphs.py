"""Backbone and pooling as one ONNX graph: made once, kept with its hash, run without torch."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlff_cli.backbones.engines import ENGINE_VERSION, ONNX, OPENVINO
from mlff_cli.backbones.folding import close, folded
from mlff_cli.backbones.levels import Preprocessing, sides
from mlff_cli.backbones.network import Backbone
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.errors import UserError
from mlff_cli.features.engine import Pooled
from mlff_cli.features.pooling import LevelInput
from mlff_cli.system.device import Device
from mlff_cli.system.files import write_atomically
from mlff_cli.system.onnx_runtime import is_sealed, loaded, sealed
from mlff_cli.system.onnx_writing import onnx_graph
from mlff_cli.system.openvino import OpenVinoSession

log = logging.getLogger(__name__)

OPSET = 18
IMAGES = "images"


LOADERS: dict[str, Callable[[bytes, str, int], Any]] = {ONNX: loaded, OPENVINO: OpenVinoSession}


class GraphEngine:
    """ONNX Runtime or OpenVINO, on the processor whatever the device."""

    def __init__(self, content: bytes, name: str, recipe: BackboneRecipe, threads: int) -> None:
        self._content, self._name, self._recipe = content, name, recipe
        self._threads = threads
        self._session: Any = None

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes the network's input."""
        return self._recipe.preprocessing

    def place(self, device: torch.device) -> None:
        """Load the graph, once, on the processor."""
        if self._session is None:
            loader = LOADERS[self._recipe.engine]
            self._session = loader(self._content, self._name, self._threads)

    def columns(
        self, images: Tensor, inputs: Sequence[LevelInput], device: Device | None = None
    ) -> list[Tensor]:
        """Map uint8 images (B, 3, H, W) to one tensor (B, ...) per input, on the processor."""
        self.place(images.device)
        names = [item.name for item in inputs]
        found = self._session.run(names, {IMAGES: images.cpu().numpy()})
        return [torch.from_numpy(column) for column in found]

    def on_one_thread(self) -> "GraphEngine | None":
        """Return the same graph for many calls at once, which ONNX Runtime alone gains by."""
        return self._single if self._recipe.engine == ONNX else None

    @cached_property
    def _single(self) -> "GraphEngine":
        return GraphEngine(self._content, self._name, self._recipe, threads=1)


def graph_engine(
    recipe: BackboneRecipe,
    inputs: Sequence[LevelInput],
    folder: Path | None,
    build: Callable[[], Backbone],
) -> GraphEngine:
    """Return what computes the inputs; a graph that is kept in the folder is not made again.

    Raises:
        UserError: What runs graphs or what writes them is missing, or the network cannot be written
            as a graph.
    """
    file = None if folder is None else folder / f"{_key(recipe, inputs)}.onnx"
    content = _kept(file)
    if content is None:
        log.info("the backbone is written as a graph for %s, once", recipe.engine)
        content = sealed(graph_of(build(), inputs, recipe.engine))
        made = GraphEngine(content, "the graph", recipe, torch.get_num_threads())
        _refuse_wrong(made, Pooled(build(), inputs), recipe.engine)
        _keep(file, content)
        return made
    return GraphEngine(content, str(file), recipe, torch.get_num_threads())


def graph_of(backbone: Backbone, inputs: Sequence[LevelInput], engine: str) -> bytes:
    """Return the graph of uint8 images (B, 3, H, W) of the network's size.

    Raises:
        UserError: The network cannot be written as a graph, or what writes it is missing.
    """
    module = Pooled(folded(backbone), inputs)
    try:
        made = onnx_graph(
            module,
            sides(backbone.preprocessing.size),
            inputs=[IMAGES],
            outputs=[item.name for item in inputs],
            opset=OPSET,
        )
    except UserError:
        raise
    except Exception as error:  # of torch's exporter, one type for each of its steps
        raise _refused(engine, (str(error).strip().splitlines() or [repr(error)])[0]) from error
    graph: bytes = made.SerializeToString()
    return graph


def _refuse_wrong(engine: GraphEngine, module: Pooled, name: str) -> None:
    """Raise `UserError` where a graph says something else of one image of noise."""
    shape = (1, 3, *sides(engine.preprocessing.size))
    drawn = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0))
    images = drawn.to(torch.uint8)
    with torch.inference_mode():
        expected = module(images)
    found = engine.columns(images, module.inputs)
    for item, one, other in zip(module.inputs, found, expected, strict=True):
        if one.shape != other.shape or not close(one, other):
            raise _refused(name, f"{item.name} comes out otherwise")


def _refused(engine: str, reason: str) -> UserError:
    return UserError(
        f"backbone.engine={engine}: this network cannot be written as a graph ({reason}); "
        "give backbone.engine=torch"
    )


def _key(recipe: BackboneRecipe, inputs: Sequence[LevelInput]) -> str:
    facts = [ENGINE_VERSION, recipe.fingerprint, [item.name for item in inputs]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _kept(file: Path | None) -> bytes | None:
    """Return a graph that was kept; None where it is not there, or damaged."""
    try:
        content = b"" if file is None else file.read_bytes()
    except OSError:
        return None
    if content and not is_sealed(content):
        log.warning("%s: is damaged and made anew", file)
    return content if is_sealed(content) else None


def _keep(file: Path | None, content: bytes) -> None:
    """Keep a graph; where nothing can be written, the next run makes it again."""
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, content)
    except OSError as error:
        log.warning("%s: cannot be written (%s); it is made again next time", file, error.strerror)
