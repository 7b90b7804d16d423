"""The features of images: from the store where they lie, through the backbone where not."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from mlff_cli.backbones.engines import GRAPHS
from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.errors import UserError
from mlff_cli.features.columns import Columns, Rows, Whole
from mlff_cli.features.facts import BackboneFacts, keep_facts, known_facts
from mlff_cli.features.identities import identities, memo_of
from mlff_cli.features.pooling import LevelInput, standard_inputs
from mlff_cli.features.store.disk import row_key
from mlff_cli.images.variations import VARIATIONS, variation_version, varied
from mlff_cli.system.device import Device
from mlff_cli.tasks.absent import is_absent
from mlff_cli.tasks.record import ImageSource

if TYPE_CHECKING:
    from mlff_cli.backbones.network import Backbone
    from mlff_cli.features.engine import Engine


class Store(Protocol):
    """Where features are kept: on disk or in memory."""

    def missing(self, keys: Sequence[str], names: Sequence[str]) -> list[int]:
        """Return the positions whose row lacks any of the names."""
        ...

    def insert(self, keys: Sequence[str], columns: Mapping[str, Tensor]) -> None:
        """Keep one (N, ...) tensor per name."""
        ...

    def rows(self, keys: Sequence[str], names: Sequence[str]) -> Rows:
        """Return the rows of the keys, in their order; nothing is read yet."""
        ...

    def forget(self) -> None:
        """Drop what memory alone holds."""
        ...


class Features:
    """The seam between images and fusion layers; what it keeps is kept by an image's content.

    Attributes:
        kinds: What variations may do to an image.
        seconds: Time spent on extraction so far.
        extracted: Images that went through the backbone so far.
        modalities: Names of the images of each part; a single "" where parts have one each.
        graphs: Where graphs are kept, and what is known of their networks; None:
            in memory alone.
    """

    modalities: tuple[str, ...] = ("",)

    def __init__(
        self,
        recipe: BackboneRecipe,
        store: Store,
        device: Device,
        folder: Path | None = None,
        kinds: Sequence[str] = VARIATIONS,
        *,
        known: Mapping[ImageSource, str] | None = None,
        graphs: Path | None = None,
    ) -> None:
        self.recipe = recipe
        self.store = store
        self.device = device
        self.folder = folder
        self.kinds = kinds
        self.seconds = 0.0
        self.extracted = 0
        self.graphs = graphs
        self._network: Backbone | None = None
        self._engines: dict[frozenset[LevelInput], Engine] = {}
        self._identities = dict(known or {})
        self._keys: dict[tuple[ImageSource, int], str] = {}

    @cached_property
    def facts(self) -> BackboneFacts:
        """The backbone's levels and size; the network is built only where they are not kept."""
        for place in (self.folder, self.graphs):
            if facts := known_facts(self.recipe, place):
                return facts
        network = self._built()
        facts = BackboneFacts(network.levels, network.parameter_count())
        keep_facts(facts, self.recipe, self.folder)
        with suppress(UserError):  # beside a graph that cannot be kept either
            keep_facts(facts, self.recipe, self.graphs)
        return facts

    @property
    def levels(self) -> Sequence[LevelInfo]:
        """What fusion layers can read: the levels of the backbone."""
        return self.facts.levels

    def _built(self) -> "Backbone":
        if self._network is None:
            self._network = self.recipe.build()
        return self._network

    def _engine(self, inputs: Sequence[LevelInput]) -> "Engine":
        """Return what computes the inputs and the standard ones; made when it is first needed."""
        from mlff_cli.features.engines import engine_for

        standard = standard_inputs(self.facts.levels)
        further = frozenset(inputs) - frozenset(standard)
        if self.recipe.engine not in GRAPHS:
            further = frozenset()  # all others compute whatever is asked of them
        if further not in self._engines:
            # The same graph in whatever order they are asked for.
            whole = [*standard, *sorted(further, key=lambda item: item.name)]
            made = engine_for(self.recipe, whole, self.graphs, self._built)
            self._engines[further] = made
            self._network = None  # whatever the engine needs of it, it has
        return self._engines[further]

    def read(
        self, images: Sequence[ImageSource], inputs: Sequence[LevelInput], variation: int = 0
    ) -> Columns:
        """Return one column per input; what is not stored is computed first, nothing is loaded."""
        self.ensure(images, inputs, variation)
        keys = self._row_keys(images, variation)
        return Columns(self.store.rows(keys, [item.name for item in inputs]))

    def live(
        self,
        images: Sequence[ImageSource],
        inputs: Sequence[LevelInput],
        vary: Callable[[Tensor], Tensor],
        seed: int,
    ) -> Columns:
        """Return what `read` would of images that `vary` changes at random; held in memory.

        What is drawn depends on the seed alone, and torch's random state stays as it was.
        """
        from mlff_cli.features.extraction import extract

        with torch.random.fork_rng():
            engine = self._engine(inputs)  # draws numbers as well, where it was not built before
            self.device.seed(seed)
            parts = [part for _, part in extract(engine, images, vary, inputs, self.device)]
        self.extracted += len(images)
        return Columns(Whole([torch.cat([part[item.name] for part in parts]) for item in inputs]))

    def ensure(
        self, images: Sequence[ImageSource], inputs: Sequence[LevelInput], variation: int = 0
    ) -> None:
        """Compute what is not stored yet, in one pass over those images."""
        keys = self._row_keys(images, variation)
        missing = self.store.missing(keys, [item.name for item in inputs])
        if missing:
            # One key may stand for several images: the same content, listed twice.
            once = {keys[position]: images[position] for position in missing}
            self._extract(once, variation, inputs)

    def at_hand(self, images: Sequence[ImageSource], inputs: Sequence[LevelInput]) -> bool:
        """Return whether `read` can succeed: of absent images everything has to be stored."""
        absent = [image for image in images if is_absent(image)]
        if not absent:
            return True
        keys = self._row_keys(absent, 0)
        return not self.store.missing(keys, [item.name for item in self._wanted(inputs)])

    def forget(self) -> None:
        """Drop what memory holds of the images so far: of many that go by, each comes once."""
        self._identities.clear()
        self._keys.clear()
        self.store.forget()

    def identities(self, images: Sequence[ImageSource]) -> list[str]:
        """Return the content hash of each image; a file is looked at once in a run."""
        new = [image for image in images if image not in self._identities]
        if new:
            found = identities(new, memo_of(self.folder))
            self._identities.update(zip(new, found, strict=True))
        return [self._identities[image] for image in images]

    def _row_keys(self, images: Sequence[ImageSource], variation: int) -> list[str]:
        new = [image for image in images if (image, variation) not in self._keys]
        if new:
            version = variation_version(self.kinds)
            for image, identity in zip(new, self.identities(new), strict=True):
                self._keys[image, variation] = row_key(identity, variation, version)
        return [self._keys[image, variation] for image in images]

    def _extract(
        self, images: Mapping[str, ImageSource], variation: int, inputs: Sequence[LevelInput]
    ) -> None:
        """Compute and keep the inputs asked for, and the standard ones, of images by row key."""
        from mlff_cli.features.extraction import extract

        started = time.perf_counter()
        keys, sources = list(images), list(images.values())
        vary = partial(varied, variation=variation, kinds=self.kinds)
        chunks = extract(self._engine(inputs), sources, vary, self._wanted(inputs), self.device)
        for positions, columns in chunks:
            self.store.insert(keys[positions.start : positions.stop], columns)
        self.extracted += len(keys)
        self.seconds += time.perf_counter() - started

    def _wanted(self, inputs: Sequence[LevelInput]) -> list[LevelInput]:
        return list(dict.fromkeys([*inputs, *standard_inputs(self.facts.levels)]))
