"""The folder that a run leaves behind, found again by its config."""

import csv
import hashlib
import io
import json
import logging
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from mlff_cli.errors import UserError
from mlff_cli.results import matrix_file
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.tables import RunFacts
from mlff_cli.system.files import write_atomically
from mlff_cli.system.processes import has_ended
from mlff_cli.tasks.record import Record

log = logging.getLogger(__name__)

WHEREABOUTS = ("device", "workers", "checkpoint_every", "processes")
"""Keys of `trainer` that change where and how fast a run goes, not what it gives."""

LINGERING_SECONDS = 15.0
PROOFS = ("matrix.csv", "splits.csv")


def config_hash(config: Mapping[str, Any]) -> str:
    """Return 8 hex digits of what determines the run's result."""
    relevant = {key: value for key, value in config.items() if key != "paths"}
    trainer = config.get("trainer")
    if isinstance(trainer, Mapping):
        relevant["trainer"] = {k: v for k, v in trainer.items() if k not in WHEREABOUTS}
    # A config.yaml that was tampered with may hold dates and the like.
    text = json.dumps(relevant, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def backbone_name(config: Mapping[str, Any]) -> str:
    """Return what tables call the backbone: timm's own name where one was chosen."""
    backbone = config["backbone"]
    return str(backbone.get("model", backbone["name"]))


def run_path(config: Mapping[str, Any]) -> Path:
    """Return ``<runs>/<task>/<method>-<hash>``: the same config finds its folder again."""
    name = f"{config['method']['name']}-{config_hash(config)}"
    return Path(str(config["paths"]["runs"])).expanduser() / str(config["task"]["name"]) / name


class RunFolder:
    """Reads and writes one run's files; knows their names."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def finished(self) -> bool:
        """Whether the run is complete: DONE is written last."""
        return (self.path / "DONE").is_file()

    @property
    def state(self) -> Path:
        """Where the state of an unfinished run lies."""
        return self.path / "state"

    @property
    def adapters(self) -> Path:
        """Where the trained parts lie."""
        return self.path / "adapters"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder alone.

        Raises:
            UserError: Another process is at it, or the folder cannot be written.
        """
        lock = FileLock(self.path / ".lock")
        note = self.path / ".running"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._acquire(lock, note)
            for left_over in self.path.rglob(".*.tmp"):
                left_over.unlink()  # by a killed process: the lock is ours, so nobody writes
            write_atomically(note, json.dumps(_this_process()))
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be written ({error.strerror or error}); give another folder "
                "with paths.runs=..."
            ) from error
        try:
            yield
        finally:
            with suppress(OSError):
                note.unlink(missing_ok=True)
            lock.release()

    def _acquire(self, lock: FileLock, note: Path) -> None:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            # The processes that decode images outlive a killed run by seconds, its lock in hand.
            try:
                lock.acquire(timeout=LINGERING_SECONDS if _is_dead(_read(note)) else 0)
            except Timeout as error:
                holder = _read(note)
                raise UserError(
                    f"{self.path}: process {holder.get('process', '?')} on "
                    f"{holder.get('host', '?')} is training this very config since "
                    f"{holder.get('since', '?')}; wait for it, or change a key (seed=...)"
                ) from error

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write config.yaml.

        Raises:
            UserError: The folder belongs to another config.
        """
        file = self.path / "config.yaml"
        if file.is_file() and config_hash(self.config()) != config_hash(config):
            raise UserError(f"{file}: belongs to another config; move the folder away")
        write_atomically(file, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))

    def config(self) -> dict[str, Any]:
        """Return the config of the run.

        Raises:
            UserError: The folder holds no run, or the file is damaged.
        """
        absent = f"{self.path}: is no run folder (config.yaml is missing)"
        return _mapping(self.path / "config.yaml", yaml.safe_load, absent)

    def splits_text(
        self, records: Sequence[Record], splits: Mapping[str, str], identities: Sequence[str]
    ) -> str:
        """Return splits.csv: which record went where, and the beginning of its content's hash."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            ("name", "split", "product", "batch", "group", "labels", "targets", "content")
        )
        for record, identity in zip(records, identities, strict=True):
            labels, targets = ";".join(record.labels), ";".join(map(repr, record.targets))
            place = (record.product, record.batch, record.group)
            writer.writerow(
                (record.name, splits[record.name], *place, labels, targets, identity[:16])
            )
        return text.getvalue()

    def digests(self) -> dict[str, str]:
        """Return hashes of what determines and what proves the result, by the name of the file."""
        files = {name: self.path / name for name in PROOFS}
        hashes = {
            name: hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "missing"
            for name, file in files.items()
        }
        return {"config.yaml": config_hash(self.config()), **hashes}

    def read_text(self, name: str) -> str | None:
        """Return the text of a file, None where it is not there."""
        file = self.path / name
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def write_text(self, name: str, content: str) -> None:
        """Write a file in one piece."""
        write_atomically(self.path / name, content)

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file in one piece."""
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        self.write_text(name, text + "\n")

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file.

        Raises:
            UserError: It is missing or damaged.
        """
        file = self.path / name
        return _mapping(file, json.loads, f"{file}: is missing; is the run finished?")

    def matrix(self) -> ScoreMatrix:
        """Return the saved score matrix."""
        return matrix_file.read_csv(self.path / "matrix.csv")

    def facts(self) -> RunFacts:
        """Return what the run's row says beside its scores, from env.json."""
        known = self.read_json("env.json").get("facts", {})
        try:
            lists = {key: tuple(known[key]) for key in ("training_seconds", "experiences")}
            return RunFacts(**{**known, **lists})
        except (TypeError, KeyError) as error:
            raise UserError(f"{self.path / 'env.json'}: is damaged ({error})") from error


def find_runs(paths: Sequence[Path]) -> list[RunFolder]:
    """Return the finished runs in folders that are runs or hold some, sorted by path.

    Raises:
        UserError: A folder does not exist, or no finished run is found.
    """
    found: dict[Path, RunFolder] = {}
    for path in paths:
        if not path.is_dir():
            raise UserError(f"{path}: there is no such folder")
        inside = [path] if (path / "config.yaml").is_file() else None
        candidates = inside or sorted(file.parent for file in path.rglob("config.yaml"))
        found |= {candidate.resolve(): RunFolder(candidate) for candidate in candidates}
    finished = [run for run in found.values() if run.finished]
    if not finished:
        raise UserError(f"{', '.join(map(str, paths))}: no finished run is there")
    for run in found.values():
        if not run.finished:
            log.warning("left out, not finished: %s", run.path)
    return finished


def _mapping(file: Path, parsed: Callable[[str], Any], absent: str) -> dict[str, Any]:
    """Return what a file of keys and values holds; `absent` is said where there is no file."""
    try:
        content = parsed(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(absent) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{file}: is damaged ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict):
        raise UserError(f"{file}: is damaged (keys and values are expected)")
    return content


def _this_process() -> dict[str, Any]:
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    return {"process": os.getpid(), "host": platform.node(), "since": since}


def _read(note: Path) -> dict[str, Any]:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_dead(holder: Mapping[str, Any]) -> bool:
    """Whether the process is known to have ended: on this machine, and not there any more."""
    process = holder.get("process")
    here = holder.get("host") == platform.node()
    return here and isinstance(process, int) and has_ended(process)
