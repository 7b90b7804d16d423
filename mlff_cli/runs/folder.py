"""The folder that a run leaves behind: its names, what is read and written."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from mlff_cli.config.plug_ins import METRIC
from mlff_cli.config.plug_ins_needed import refuse_other_plug_ins
from mlff_cli.config.saved import CONFIG, read_config
from mlff_cli.errors import UserError
from mlff_cli.results import matrix_file
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.runs.folder_lock import FolderLock
from mlff_cli.runs.identity import DONE, config_digest, saved_digest
from mlff_cli.runs.record import RECORD, RunRecord, encoded, read_record
from mlff_cli.system.failures import explained
from mlff_cli.system.files import write_atomically

MATRIX, SPLITS = "matrix.csv", "splits.csv"
ENVIRONMENT, FAILED, LOG = "env.json", "FAILED", "log.txt"
PREDICTIONS, SHEET = "predictions.csv", "images.png"
PARENT = "parent"
"""Folder of what is known of the run that a run goes on from."""

PROOFS = (MATRIX, SPLITS, PREDICTIONS, "adapters/adapters.json")
"""Files whose hashes lie in run.json; adapters.json holds those of all adapters."""


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

    @property
    def lock(self) -> FolderLock:
        """What one process alone can hold."""
        return FolderLock(self.path)

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
        return read_config(self.path)

    def record(self) -> RunRecord:
        """Return what is known of the finished run.

        Raises:
            UserError: run.json is missing or damaged.
        """
        return read_record(self.path / RECORD)

    def matrix(self) -> ScoreMatrix:
        """Return the saved score matrix.

        Raises:
            UserError: It is damaged, or of a metric that is not here.
        """
        try:
            return matrix_file.read_csv(self.path / MATRIX)
        except UserError:
            refuse_other_plug_ins(self.config(), (METRIC,))
            raise

    def digests(self) -> dict[str, str]:
        """Return hashes of what determines and what proves the result, by the name of the file."""
        lineage = (file.relative_to(self.path) for file in self.path.glob(f"{PARENT}/**/*.*"))
        names = (*PROOFS, *sorted(path.as_posix() for path in lineage))
        return {CONFIG: saved_digest(self.config()), **{name: self._hash(name) for name in names}}

    def write_record(self, record: RunRecord) -> None:
        """Write run.json."""
        self.write_text(RECORD, encoded(record))

    def finish(self, record: RunRecord) -> None:
        """Write run.json and, last of all, DONE, which holds its hash."""
        self.write_record(record)
        self.write_text(DONE, self._hash(RECORD) + "\n")

    @property
    def digest(self) -> str:
        """The hash of the record: what tells the run from every other; "" where none finished."""
        return (self.read_text(DONE) or "").strip()

    def changed_files(self) -> list[str]:
        """Return the names of files that have not the hash that the record holds of them."""
        recorded = self.record().digests
        return [name for name, now in self.digests().items() if recorded.get(name) != now]

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
