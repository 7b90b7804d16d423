"""The folder that a run leaves behind: its names, its lock, what is read and written."""

import hashlib
import json
import logging
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from mlff_cli.errors import UserError
from mlff_cli.results import matrix_file
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.runs.identity import config_digest
from mlff_cli.runs.record import RunRecord, encoded, read_record
from mlff_cli.system.failures import explained
from mlff_cli.system.files import write_atomically
from mlff_cli.system.processes import has_ended

log = logging.getLogger(__name__)

LINGERING_SECONDS = 15.0
CONFIG, RECORD, MATRIX, SPLITS = "config.yaml", "run.json", "matrix.csv", "splits.csv"
ENVIRONMENT, DONE, FAILED, LOG = "env.json", "DONE", "FAILED", "log.txt"
PREDICTIONS = "predictions.csv"
PROOFS = (MATRIX, SPLITS, PREDICTIONS, "adapters/adapters.json")
"""Files whose hashes lie in run.json; adapters.json holds those of all adapters."""

SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Eight times as fast where PyYAML was built with libyaml."""


class RunFolder:
    """Reads and writes one run's files; knows their names."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def finished(self) -> bool:
        """Whether the run is complete: DONE is written last."""
        return (self.path / DONE).is_file()

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
                    f"{holder.get('host', '?')} has been training this very config since "
                    f"{holder.get('since', '?')}; wait for it, or change a key (seed=...)"
                ) from error

    def holder(self) -> Mapping[str, Any] | None:
        """Return process, host and start of who holds the folder; None where nobody does."""
        note = _read(self.path / ".running")
        if not note or _is_dead(note):
            return None
        try:
            # What a killed process noted may by now be the number of another one.
            with FileLock(self.path / ".lock", timeout=0):
                return None
        except (Timeout, OSError):
            return note

    @contextmanager
    def noting_failure(self) -> Iterator[None]:
        """Keep the message of an error in FAILED, until the run is begun again."""
        failed = self.path / FAILED
        failed.unlink(missing_ok=True)
        try:
            yield
        except Exception as error:
            with suppress(OSError):
                write_atomically(failed, f"{explained(error)[0]}\n")
            raise

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write config.yaml.

        Raises:
            UserError: The folder belongs to another config.
        """
        file = self.path / CONFIG
        if file.is_file() and config_digest(self.config()) != config_digest(config):
            raise UserError(f"{file}: belongs to another config; move the folder away")
        write_atomically(file, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))

    def config(self) -> dict[str, Any]:
        """Return the config of the run.

        Raises:
            UserError: The folder holds no run, or the file is damaged.
        """
        file = self.path / CONFIG
        try:
            content = yaml.load(file.read_text(encoding="utf-8"), Loader=SAFE_LOADER)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UserError(f"{self.path}: is no run folder ({CONFIG} is missing)") from error
        except (yaml.YAMLError, ValueError) as error:
            raise UserError(f"{file}: is damaged ({str(error).splitlines()[0]})") from error
        if not isinstance(content, dict):
            raise UserError(f"{file}: is damaged (keys and values are expected)")
        return content

    def record(self) -> RunRecord:
        """Return what is known of the finished run.

        Raises:
            UserError: run.json is missing or damaged.
        """
        return read_record(self.path / RECORD)

    def matrix(self) -> ScoreMatrix:
        """Return the saved score matrix."""
        return matrix_file.read_csv(self.path / MATRIX)

    def digests(self) -> dict[str, str]:
        """Return hashes of what determines and what proves the result, by the name of the file."""
        return {CONFIG: config_digest(self.config()), **{name: self._hash(name) for name in PROOFS}}

    def finish(self, record: RunRecord) -> None:
        """Write run.json and, last of all, DONE, which holds its hash."""
        self.write_text(RECORD, encoded(record))
        self.write_text(DONE, self._hash(RECORD) + "\n")

    def record_is_whole(self) -> bool:
        """Return whether run.json is what the run wrote."""
        return self.read_text(DONE) == self._hash(RECORD) + "\n"

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

    def environment(self) -> dict[str, Any]:
        """Return versions and commit of the program that made the run; none where damaged."""
        try:
            content = json.loads(self.read_text(ENVIRONMENT) or "")
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    def _hash(self, name: str) -> str:
        file = self.path / name
        return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "missing"


def all_runs(paths: Sequence[Path]) -> list[RunFolder]:
    """Return the runs, finished or not, in folders that are runs or hold some, sorted by path.

    Raises:
        UserError: A folder does not exist.
    """
    found: dict[Path, RunFolder] = {}
    for path in paths:
        if not path.is_dir():
            raise UserError(f"{path}: there is no such folder")
        inside = [path] if (path / CONFIG).is_file() else None
        candidates = inside or sorted(file.parent for file in path.rglob(CONFIG))
        found |= {candidate.resolve(): RunFolder(candidate) for candidate in candidates}
    return list(found.values())


def find_runs(paths: Sequence[Path]) -> list[RunFolder]:
    """Return the finished runs among `all_runs`.

    Raises:
        UserError: A folder does not exist, or no finished run is found.
    """
    found = all_runs(paths)
    finished = [run for run in found if run.finished]
    if not finished:
        raise UserError(f"{', '.join(map(str, paths))}: no finished run is there")
    for run in found:
        if not run.finished:
            log.warning("left out, not finished: %s", run.path)
    return finished


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
