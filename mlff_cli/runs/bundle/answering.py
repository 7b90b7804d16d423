"""A bundle that answers: one backbone for all products, of which few are in memory."""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path, PurePath
from typing import Any

from mlff_cli.config.identity import completed
from mlff_cli.config.schema import check
from mlff_cli.errors import UserError
from mlff_cli.heads.novelty import Novelty
from mlff_cli.methods.base import Method
from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.runs.building import build_device, build_features, build_method, build_scorer
from mlff_cli.runs.bundle.archive import Archive
from mlff_cli.runs.bundle.description import DESCRIPTION, Description, read_description
from mlff_cli.runs.bundle.on_demand import KEPT, OnDemand
from mlff_cli.runs.bundle.tensors import FUSION, HEAD, NOVELTY, fill, novelty_of, read_tensors
from mlff_cli.runs.calibration import TRUTHS, Calibration, HeadCalibration
from mlff_cli.runs.deciding import DecisionSettings
from mlff_cli.runs.deployed import Deployed
from mlff_cli.runs.modalities import modalities_of
from mlff_cli.runs.reopen import HERE


class Bundle:
    """An opened bundle.

    Attributes:
        archive: The file.
        description: What it says of itself.
        config: Of the run, with device and places of today.
    """

    def __init__(
        self, path: Path, *, trainer: Mapping[str, Any], paths: Mapping[str, Any],
        weights: str | None = None,
    ) -> None:  # fmt: skip
        """Open a bundle, and see that the backbone here is its own.

        Args:
            path: The file.
            trainer: Section of the command's config: `device` and `workers` are taken from it.
            paths: Section of the command's config.
            weights: File of the backbone's weights; None: the usual one, or for a bundle that
                names one of its own, that beside the bundle.

        Raises:
            UserError: It is damaged, or of another backbone.
        """
        self.archive = Archive(path)
        self.description = read_description(self.archive)
        here = {"paths": dict(paths), "trainer": {key: trainer[key] for key in HERE}}
        self.config = _config(path, self.description, here, weights)
        self._entries = {head.name: head for head in self.description.heads}
        self._sketches = {e.name: e.sketch for e in self.description.experiences if e.sketch}
        # Both what answers and what tells the unknown are made of them, one after the other.
        self._tensors = lru_cache(1)(lambda head: read_tensors(self.archive, head))
        self._refuse_other_backbone()

    def deployed(self) -> Deployed:
        """Return what predicts with it."""
        said = self.description
        calibrated = [head.name for head in said.heads if head.calibrated]
        return Deployed(
            kind=build_scorer(self.config, "test").kind,
            heads=said.outputs,
            experiences={entry.name: entry.head for entry in said.experiences},
            points={point.experience: point for point in said.points},
            calibration=Calibration(
                OnDemand(calibrated, self._calibration),
                OnDemand(list(self._sketches), self._sketch, kept=None),
            ),
            good=said.good,
            bits=said.bits,
            provenance={
                "run": said.run,
                "backbone": said.backbone,
                "model": said.fingerprint,
                "adapters": said.adapters,
                "bundle": self.archive.path.name,
                "bundle_hash": self.archive.seal,
            },
            modalities=modalities_of(self.config),
            method_of=lru_cache(KEPT)(self._method),
        )

    @property
    def settings(self) -> DecisionSettings:
        """How is decided where a command does not say."""
        return self.description.settings

    @cached_property
    def without_heads(self) -> FrozenMethod:
        """The method without heads, which all products share the backbone of."""
        method = build_method(self.config)
        if not isinstance(method, FrozenMethod):
            raise UserError(
                f"{self.archive.path}: is damaged (method={self.config['method']['name']} trains "
                "the backbone, which no bundle holds)"
            )
        shared = self.description.shared
        if method.adapters.own_fusion is (shared is not None):
            raise UserError(f"{self.archive.path}: is damaged: its fusion layers do not fit")
        if shared:
            tensors = read_tensors(self.archive, shared)
            fill(method.adapters.fusion, tensors, FUSION, self._place(shared.name))
        return method

    def _method(self, head: str) -> Method:
        """Return what answers with a head alone."""
        entry = self._entries[head]
        tensors, place = self._tensors(entry.tensors), self._place(entry.tensors.name)
        method = self.without_heads.alone(head, entry.outputs)
        if not self.description.shared:
            fill(method.adapters.fusion, tensors, FUSION, place)
        fill(method.adapters[head], tensors, HEAD, place)
        return method

    def _calibration(self, head: str) -> HeadCalibration:
        entry = self._entries[head]
        tensors, place = self._tensors(entry.tensors), self._place(entry.tensors.name)
        parts = {
            name.removeprefix(NOVELTY): tensor
            for name, tensor in tensors.items()
            if name.startswith(NOVELTY)
        }
        width = self.without_heads.adapters.fusion.width + self._levels_width
        novelty = novelty_of(parts, width, place)
        if len(novelty.means) not in (1, len(entry.outputs)) or TRUTHS not in tensors:
            raise UserError(f"{place}: is damaged: what tells the unknown does not fit the head")
        return HeadCalibration(novelty, tensors[TRUTHS].float())

    def _sketch(self, experience: str) -> Novelty:
        member = self._sketches[experience]
        parts = read_tensors(self.archive, member)
        return novelty_of(parts, self._levels_width, self._place(member.name))

    @property
    def _levels_width(self) -> int:
        """Channels of all levels together."""
        levels = self.without_heads.context.features.levels
        return sum(level.channels for level in levels)

    def _refuse_other_backbone(self) -> None:
        said = self.description
        recipe = build_features(self.config, build_device(self.config)).recipe
        if recipe.fingerprint != said.fingerprint:
            raise UserError(
                f"{self.archive.path}: is a bundle for another backbone: {said.backbone} of "
                f"fingerprint {said.fingerprint[:12]}, and {recipe.weights_file} makes "
                f"{recipe.fingerprint[:12]}; give the weights of the run with backbone.weights="
            )

    def _place(self, member: str) -> str:
        return f"{self.archive.path}: {member}"


def _config(
    path: Path, said: Description, here: Mapping[str, Any], weights: str | None
) -> dict[str, Any]:
    """Return the config of a bundle with device and places of today.

    Raises:
        UserError: It is none that `mlff train` would take.
    """
    config = dict(said.config)
    try:
        config["trainer"] = {**config["trainer"], **here["trainer"]}
        config["features"] = {**config["features"], "store": False}
        own = config["backbone"]["weights"]
        found = weights or (str(path.parent / PurePath(own).name) if own else None)
        config["backbone"] = {**config["backbone"], "weights": found}
        config = completed({**config, "paths": here["paths"]})
        check(config, "train")
    except (KeyError, TypeError) as error:
        raise UserError(f"{path}: {DESCRIPTION}: is damaged ({error})") from error
    except UserError as error:
        raise UserError(f"{path}: {DESCRIPTION}: {error}") from error
    return config
