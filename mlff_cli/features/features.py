"""The features of images: from the store where they lie, through the backbone where not."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.features.facts import BackboneFacts, keep_facts, known_facts
from mlff_cli.features.identities import identities, memo_of
from mlff_cli.features.pooling import STANDARD, LevelInput
from mlff_cli.features.store.disk import row_key
from mlff_cli.images.changes import CHANGES
from mlff_cli.images.variations import view_of, view_version
from mlff_cli.system.device import Device
from mlff_cli.tasks.record import Record

if TYPE_CHECKING:
    from mlff_cli.backbones.network import Backbone


class Store(Protocol):
    """Where features are kept: on disk or in memory."""

    def missing(self, keys: Sequence[str], names: Sequence[str]) -> list[int]:
        """Return the positions whose row lacks any of the names."""
        ...

    def insert(self, keys: Sequence[str], columns: Mapping[str, Tensor]) -> None:
        """Keep one (N, ...) tensor per name."""
        ...

    def read(self, keys: Sequence[str], names: Sequence[str]) -> list[Tensor]:
        """Return one (N, ...) tensor per name, rows in the order of the keys."""
        ...


class Features:
    """The seam between images and fusion layers.

    Attributes:
        changes: What views may do to an image.
        seconds: Time spent on extraction so far.
        extracted: Images that went through the backbone so far.
    """

    def __init__(
        self,
        recipe: BackboneRecipe,
        store: Store,
        device: Device,
        folder: Path | None = None,
        changes: Sequence[str] = CHANGES,
    ) -> None:
        self.recipe = recipe
        self.store = store
        self.device = device
        self.folder = folder
        self.changes = changes
        self.seconds = 0.0
        self.extracted = 0
        self._network: Backbone | None = None
        self._identities: dict[Record, str] = {}
        self._keys: dict[tuple[Record, int], str] = {}

    @cached_property
    def facts(self) -> BackboneFacts:
        """The backbone's levels and size; the network is built only where they are not kept."""
        facts = known_facts(self.recipe, self.folder)
        if facts is None:
            network = self._built()
            facts = BackboneFacts(network.levels, network.parameter_count())
            keep_facts(facts, self.recipe, self.folder)
        return facts

    def _built(self) -> "Backbone":
        if self._network is None:
            self._network = self.recipe.build()
        return self._network

    def read(
        self, records: Sequence[Record], inputs: Sequence[LevelInput], view: int = 0
    ) -> list[Tensor]:
        """Return one tensor (N, ...) per input, on the CPU, fp32; compute what is not stored."""
        self.ensure(records, inputs, view)
        names = [item.name for item in inputs]
        rows = self.store.read(self._row_keys(records, view), names)
        return [column.float() for column in rows]

    def live(
        self,
        records: Sequence[Record],
        inputs: Sequence[LevelInput],
        varied: Callable[[Tensor], Tensor],
        seed: int,
    ) -> list[Tensor]:
        """Return what `read` would of images that `varied` changes at random; nothing is kept.

        What is drawn depends on the seed alone, and torch's random state stays as it was.
        """
        from mlff_cli.features.extraction import extract

        with torch.random.fork_rng():
            network = self._built()  # draws numbers as well, where it was not built before
            torch.manual_seed(seed)
            parts = [part for _, part in extract(network, records, varied, inputs, self.device)]
        self.extracted += len(records)
        return [torch.cat([part[item.name] for part in parts]) for item in inputs]

    def ensure(
        self, records: Sequence[Record], inputs: Sequence[LevelInput], view: int = 0
    ) -> None:
        """Compute what is not stored yet, in one pass over those images."""
        keys = self._row_keys(records, view)
        missing = self.store.missing(keys, [item.name for item in inputs])
        if missing:
            self._extract(records, keys, missing, view, inputs)

    def identities(self, records: Sequence[Record]) -> list[str]:
        """Return the content hash of each record's image; a file is looked at once in a run."""
        new = [record for record in records if record not in self._identities]
        if new:
            found = identities(new, memo_of(self.folder))
            self._identities.update(zip(new, found, strict=True))
        return [self._identities[record] for record in records]

    def _row_keys(self, records: Sequence[Record], view: int) -> list[str]:
        new = [record for record in records if (record, view) not in self._keys]
        if new:
            version = view_version(self.changes)
            for record, identity in zip(new, self.identities(new), strict=True):
                self._keys[record, view] = row_key(identity, view, version)
        return [self._keys[record, view] for record in records]

    def _extract(
        self,
        records: Sequence[Record],
        keys: Sequence[str],
        missing: list[int],
        view: int,
        inputs: Sequence[LevelInput],
    ) -> None:
        from mlff_cli.features.extraction import extract

        started = time.perf_counter()
        wanted = {
            item.name: item
            for level in self.facts.levels
            for item in [*inputs, *(LevelInput(level.name, name) for name in STANDARD)]
        }
        # One key may stand for several records: the same file, listed twice.
        once = list({keys[position]: position for position in missing}.values())
        todo = [records[position] for position in once]
        varied = partial(view_of, view=view, changes=self.changes)
        for positions, columns in extract(
            self._built(), todo, varied, list(wanted.values()), self.device
        ):
            self.store.insert([keys[once[position]] for position in positions], columns)
        self.extracted += len(todo)
        self.seconds += time.perf_counter() - started


def pooled(
    maps: Sequence[Tensor], levels: Sequence[str], inputs: Sequence[LevelInput]
) -> list[Tensor]:
    """Summarise live maps, one (B, C_l, H_l, W_l) per level, as the store would have."""
    from mlff_cli.features.pooling import statistic

    by_level = dict(zip(levels, maps, strict=True))
    return [statistic(item.statistic)(by_level[item.level]) for item in inputs]
