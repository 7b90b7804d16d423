"""From the name of an engine to what computes features."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mlff_cli.backbones.engines import GRAPHS, TORCH
from mlff_cli.backbones.folding import folded
from mlff_cli.backbones.network import Backbone
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.features.engine import Engine, TorchEngine
from mlff_cli.features.graphs import graph_engine
from mlff_cli.features.pooling import LevelInput


def engine_for(
    recipe: BackboneRecipe,
    inputs: Sequence[LevelInput],
    folder: Path | None,
    build: Callable[[], Backbone],
) -> Engine:
    """Return what computes some inputs with the engine of a recipe.

    Args:
        recipe: Which backbone, and which engine.
        inputs: What can be asked of it.
        folder: Where graphs are kept; None: in memory alone.
        build: Gives the network, where one is needed.

    Raises:
        UserError: The engine is not installed, or cannot compute this network.
    """
    if recipe.engine in GRAPHS:
        return graph_engine(recipe, inputs, folder, build)
    network = build()
    return TorchEngine(folded(network) if recipe.engine == TORCH else network)
