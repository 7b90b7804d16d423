"""Which run it is: its config, as far as it can change numbers, and its data.

Where images, runs and features lie does not enter, nor with how many processes it goes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlff_cli.backbones.engines import PLAIN
from mlff_cli.config.continuation import FROM
from mlff_cli.config.identity import BEFORE, relevant
from mlff_cli.config.levels import AUTO, are_chosen, chosen
from mlff_cli.config.modalities import several
from mlff_cli.errors import UserError
from mlff_cli.runs.engine import engine_of
from mlff_cli.system.accelerator import default_device
from mlff_cli.tasks.record import Record

DIGITS = 8
DONE = "DONE"
"""Written last of all into the folder of a run; holds the hash of its record."""


def data_digest(records: Sequence[Record], contents: Sequence[str]) -> str:
    """Return the digest (64 hex digits) of what records say and what their images hold.

    Args:
        records: In any order.
        contents: The hash of each record's image.
    """
    lines = sorted(
        json.dumps([r.name, r.labels, r.targets, r.product, r.batch, r.group, r.split, content])
        for r, content in zip(records, contents, strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def decisive(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with the keys alone that can change numbers.

    `trainer.device=auto` stands for the kind of device that this machine has, and
    `backbone.engine=auto` for the engine that this installation has. The plain one has no key:
    as it was before there were others; so it is with a method that does as before, and with the
    keys of several images where records have one. Levels that the task chooses are `auto`,
    whichever they are.
    """
    kept = relevant(config)
    trainer = kept.get("trainer")
    if isinstance(trainer, dict) and trainer.get("device") == "auto":
        trainer["device"] = default_device()
    backbone = kept.get("backbone")
    if isinstance(backbone, dict) and "engine" in backbone:
        engine = engine_of(config)
        kept["backbone"] = {key: value for key, value in backbone.items() if key != "engine"} | (
            {} if engine == PLAIN else {"engine": engine}
        )
    if isinstance(method := kept.get("method"), dict):
        before = BEFORE["method"]
        kept["method"] = {k: v for k, v in method.items() if k not in before or v != before[k]}
    if isinstance(backbone, dict) and are_chosen(config):
        kept["backbone"] = {**kept["backbone"], "levels": AUTO}
    data = kept.get("data")
    if isinstance(data, dict) and not several(data.get("modalities")):
        kept["data"] = {key: value for key, value in data.items() if key not in _unsaid(data)}
    return kept


def _unsaid(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys that tell nothing where each record has one image."""
    return ("modality_dropout",) if data.get("modalities") else ("modalities", "modality_dropout")


def config_digest(config: Mapping[str, Any]) -> str:
    """Return the digest (64 hex digits) of the keys that are `decisive`."""
    # A config.yaml that was tampered with may hold dates and the like.
    text = json.dumps(decisive(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def saved_digest(config: Mapping[str, Any]) -> str:
    """Return the digest of the config that a run saved: of what it chose as well."""
    digest, names = config_digest(config), chosen(config)
    return hashlib.sha256(json.dumps([digest, names]).encode()).hexdigest() if names else digest


def run_hash(config: Mapping[str, Any], data: str) -> str:
    """Return the hex digits in the name of a run's folder."""
    facts = [config_digest(config), data, *_parent(config)]
    return hashlib.sha256(" ".join(facts).encode()).hexdigest()[:DIGITS]


def _parent(config: Mapping[str, Any]) -> list[str]:
    """Return what tells the run that is gone on from: the hash of its record."""
    if config.get(FROM) is None:
        return []
    folder = Path(str(config[FROM])).expanduser()
    try:
        return [(folder / DONE).read_text(encoding="utf-8").strip()]
    except OSError as error:
        raise UserError(
            f"from={config[FROM]}: no finished run is there ({error.strerror}); mlff runs lists "
            "those that there are"
        ) from error


def backbone_name(config: Mapping[str, Any]) -> str:
    """Return what tables call the backbone: timm's own name where one was chosen."""
    backbone = config["backbone"]
    return str(backbone.get("model", backbone["name"]))


def run_path(config: Mapping[str, Any], data: str) -> Path:
    """Return ``<runs>/<task>/<method>-<hash>``: the same config and data find their folder again.

    Args:
        config: Checked, of `mlff train`.
        data: As from `data_digest`.
    """
    name = f"{config['method']['name']}-{run_hash(config, data)}"
    return Path(str(config["paths"]["runs"])).expanduser() / str(config["task"]["name"]) / name
