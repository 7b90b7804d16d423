"""The plan of a sweep: its runs, each composed and checked before any of them begins."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.config.composition import Composer
from mlff_cli.config.identity import relevant
from mlff_cli.config.overrides import combinations, quoted, readable
from mlff_cli.config.schema import flatten
from mlff_cli.config.variants import Variants

if TYPE_CHECKING:
    from mlff_cli.runs.folder import RunFolder
    from mlff_cli.runs.listing import Listing

CONFIG = "train"
"""The config that a run of a sweep has."""

BASIC = "basic"
"""Hydra's launcher where no cluster is asked for."""

GROUP = "tracker.group"
"""The key that tells a tracker which runs belong together."""


@dataclass(frozen=True)
class PlannedRun:
    """A run that has not begun.

    Attributes:
        words: What makes it behind ``mlff train``.
        config: Composed of these words, and checked.
        listings: Of the images that were listed so far, shared by the runs of a sweep.
    """

    words: tuple[str, ...]
    config: Mapping[str, Any]
    listings: dict[str, "Listing"] = field(default_factory=dict, compare=False, repr=False)

    @property
    def title(self) -> str:
        """What it is called in messages."""
        config = self.config
        return f"{config['task']['name']}, {config['method']['name']}, seed {config['seed']}"

    @cached_property
    def keys(self) -> dict[str, Any]:
        """The dotted keys that tell it from the other runs of its sweep.

        Those of the data are all among them: two folders hold two sets of images.
        """
        return dict(flatten({**relevant(self.config), "data": self.config["data"]}))

    @cached_property
    def name(self) -> str:
        """The beginning of the names of its files in the sweep's folder."""
        task, method = self.config["task"]["name"], self.config["method"]["name"]
        return f"{task}-{method}-{_digest(self.keys)}"

    @property
    def listing(self) -> "Listing":
        """Its images; listed once for all runs that have the same."""
        from mlff_cli.runs.listing import listing_of
        from mlff_cli.system.logs import logging_to

        key = _digest([self.config["data"], self.config["features"]["store"]])
        if key not in self.listings:
            with logging_to(None):
                self.listings[key] = listing_of(self.config)
        return self.listings[key]

    @cached_property
    def folder(self) -> "RunFolder":
        """Where it leaves its result; it may be there from an earlier sweep."""
        from mlff_cli.runs.folder import RunFolder
        from mlff_cli.runs.identity import run_path

        return RunFolder(run_path(self.config, self.listing.digest))

    def grouped(self, name: str) -> "PlannedRun":
        """Return the run, in that group of its tracker if it has one and is told no other."""
        tracker = self.config["tracker"]
        if tracker.get("group", "") is not None:
            return self
        config = {**self.config, "tracker": {**tracker, "group": name}}
        return replace(self, words=(*self.words, f"{GROUP}={name}"), config=config)


@dataclass(frozen=True)
class Plan:
    """What a sweep carries out.

    Attributes:
        folder: For its table; the same runs have the same one.
        runs: No two of them alike.
        processes: How many run at a time, each in a process of its own; 0: as many as fit.
        launcher: Hydra's name of what carries the runs out: `BASIC`, or a cluster's.
        table: What it ends in: "means" or "paper".
        overrides: In Hydra's grammar, with several values.
        folders: Of the user's own configs.
    """

    folder: Path
    runs: tuple[PlannedRun, ...]
    processes: int
    launcher: str
    table: str
    overrides: tuple[str, ...]
    folders: tuple[Path, ...]


def plan(words: Sequence[str], folders: Sequence[Path] = ()) -> Plan:
    """Return the plan of every combination of values, the experiment's and those of `words`.

    Args:
        words: Overrides as a shell user writes them; commas part values.
        folders: Of the user's own configs, absolute.

    Raises:
        UserError: A word, a key or a value of any run is wrong.
    """
    overrides = readable(words, several=True)
    with Composer.opened(CONFIG, folders) as composer:
        each, variants = _words(composer, overrides), Variants(composer)
        runs: dict[str, PlannedRun] = {}
        listings: dict[str, Listing] = {}
        for own in each:
            run = PlannedRun(tuple(own), variants.checked(own), listings)
            runs.setdefault(run.name, run)
        hydra = composer.composed(each[0], with_hydra=True).hydra
    first = next(iter(runs.values())).config
    name = f"sweep-{_digest(sorted(runs))}"
    return Plan(
        folder=Path(str(hydra.sweep.dir)).expanduser() / name,
        runs=tuple(run.grouped(name) for run in runs.values()),
        processes=first["trainer"]["processes"],
        launcher=hydra.runtime.choices["hydra/launcher"],
        table=first["table"],
        overrides=tuple(overrides),
        folders=tuple(folders),
    )


def first_words(words: Sequence[str], folders: Sequence[Path] = ()) -> list[str]:
    """Return the overrides of the first run, in Hydra's grammar; nothing is checked.

    Raises:
        UserError: A word cannot be read.
    """
    with Composer.opened(CONFIG, folders) as composer:
        return _words(composer, readable(words, several=True))[0]


def _words(composer: Composer, overrides: Sequence[str]) -> list[list[str]]:
    """Return the overrides of each run, with the values of ``hydra.sweeper.params`` as well."""
    first = composer.composed(combinations(overrides)[0], with_hydra=True)
    params = first.hydra.sweeper.get("params") or {}
    varied = [quoted(f"{key}={value}", several=True) for key, value in params.items()]
    return combinations([*varied, *overrides])


def _digest(content: Any) -> str:
    """Return 8 hex digits of what JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
