"""``mlff pack``: a finished run as one file to be shipped, or what changed since an older one."""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from rich.filesize import decimal

from mlff_cli.errors import UserError
from mlff_cli.runs.bundle.archive import Archive
from mlff_cli.runs.bundle.delta import applied, delta_of
from mlff_cli.runs.bundle.description import BUNDLE, CHANGES, Description, read_description
from mlff_cli.runs.bundle.packing import packed
from mlff_cli.runs.deciding import DecisionSettings
from mlff_cli.runs.reopen import reopen
from mlff_cli.system.files import write_atomically
from mlff_cli.system.logs import logging_to

AUTO = "auto"
"""The precision of the bundle that is compared with, else fp32."""


def run(config: Mapping[str, Any]) -> int:
    """Write the file and say what is in it."""
    with logging_to(None):
        if config["apply"] is not None:
            description, content = _newer(config)
            ending = BUNDLE
        else:
            description, content = _packed(config)
            ending = BUNDLE if config["since"] is None else CHANGES
    target = _target(config["output"], description, ending)
    _write(target, content)
    products, heads = len(description.experiences), len(description.heads)
    print(f"{products} products, {heads} heads, {description.precision}, {decimal(len(content))}")
    print(target)
    return 0


def _packed(config: Mapping[str, Any]) -> tuple[Description, bytes]:
    """Return what the file says of itself and its content: of a run, or of what changed in it."""
    path = Path(config["run"]).expanduser()
    if path.is_file():
        raise UserError(f"{path}: is a file; give the folder of a run, or a bundle and apply=")
    old = Archive(Path(config["since"]).expanduser()) if config["since"] else None
    opened = reopen(path, trainer=config["trainer"], paths=config["paths"])
    precision = config["precision"]
    if precision == AUTO:
        precision = read_description(old).precision if old else "fp32"
    new = packed(opened, precision, DecisionSettings.of_config(config))
    return new.description, delta_of(old, new) if old else new.content()


def _newer(config: Mapping[str, Any]) -> tuple[Description, bytes]:
    """Return what an older bundle becomes by a delta.

    Raises:
        UserError: Something is asked for that the delta decides.
    """
    said = {
        "since": config["since"],
        "operating_point.threshold": config["operating_point"]["threshold"],
        **{f"decision.{key}": value for key, value in config["decision"].items()},
        "precision": None if config["precision"] == AUTO else config["precision"],
    }
    given = [key for key, value in said.items() if value is not None]
    if given:
        raise UserError(f"apply= makes the bundle that the delta says; leave {given[0]}= away")
    old = Archive(Path(config["run"]).expanduser())
    return applied(old, Archive(Path(config["apply"]).expanduser()))


def _target(asked: str | None, description: Description, ending: str) -> Path:
    """Return the file that is written.

    Raises:
        UserError: It does not end as it should.
    """
    if asked is None:
        return Path(PurePath(description.run).name + ending)
    path = Path(asked).expanduser()
    if path.suffix.lower() != ending:
        kind = "a bundle" if ending == BUNDLE else "a delta"
        raise UserError(f"output={asked}: give a file that ends in {ending}: it is {kind}")
    return path


def _write(target: Path, content: bytes) -> None:
    """Write a file in one piece; the same one may be there already.

    Raises:
        UserError: Another one is there.
    """
    if not target.exists():
        write_atomically(target, content)
    elif not target.is_file() or target.read_bytes() != content:
        raise UserError(
            f"{target}: is there already and holds something else; give another output=, or move "
            "it away"
        )
