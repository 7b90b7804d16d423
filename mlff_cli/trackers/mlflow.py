"""MLflow: an SQLite file and a folder of artefacts, or a tracking server."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from mlff_cli.config.schema import flatten
from mlff_cli.system.extras import extra_module
from mlff_cli.trackers.base import Findings, Point, Subject, Tracker

EXTRA = "mlflow"

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Environment of MLflow, where the user has not set it: it tells nobody, and gives up in time."""

METRICS, PARAMS = 1000, 100
"""What a batch holds at most."""

SERVERS = ("http", "databricks")
"""What the address of a tracking server begins with; others are databases."""

LONGEST = 6000
"""Letters of the value of a parameter."""

FINISHED, FAILED, RUNNING = "FINISHED", "FAILED", "RUNNING"


class MLflow(Tracker):
    """Writes scores as metrics, the config as parameters, pictures and adapters as artefacts."""

    def __init__(self, folder: Path, uri: str | None, experiment: str, group: str | None) -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        self._mlflow = extra_module("mlflow", EXTRA)
        self._entities = extra_module("mlflow.entities", EXTRA)
        self._database = uri is None or not uri.startswith(SERVERS)
        if self._database:
            extra_module("sqlalchemy", EXTRA)
            extra_module("alembic", EXTRA)
        self._folder, self._uri = folder, uri
        self._experiment, self._group = experiment, group
        self._client: Any = None
        self._run = ""

    def begin(self, subject: Subject, earlier: str | None) -> str:
        """Create a run with the config as parameters, or let the earlier one go on."""
        with self._alone():
            self._client = self._mlflow.MlflowClient(self._uri or self._file())
            experiment = self._experiment_id()
        if earlier is not None and self._is_there(earlier):
            self._run = earlier
            self._client.update_run(self._run, status=RUNNING)
            return self._run
        tags = {"group": self._group} if self._group else {}
        run = self._client.create_run(experiment, run_name=subject.name, tags=tags)
        self._run = str(run.info.run_id)
        params = [
            self._entities.Param(key, str(value)[:LONGEST])
            for key, value in flatten(subject.config)
        ]
        for start in range(0, len(params), PARAMS):
            self._client.log_batch(self._run, params=params[start : start + PARAMS])
        return self._run

    def holds(self) -> set[tuple[str, int]]:
        """Return the metrics that the run has, with every step."""
        keys = self._client.get_run(self._run).data.metrics
        history = self._client.get_metric_history
        return {(key, metric.step) for key in keys for metric in history(self._run, key)}

    def add(self, points: Sequence[Point]) -> None:
        """Write metrics in batches."""
        now = int(1000 * time.time())
        metrics = [self._entities.Metric(p.key, p.value, now, p.step) for p in points]
        for start in range(0, len(metrics), METRICS):
            self._client.log_batch(self._run, metrics=metrics[start : start + METRICS])

    def finish(self, findings: Findings, step: int) -> None:
        """Write figures, pictures and adapters; the run is finished."""
        self.add([Point(f"figures/{k}", step, value) for k, value in findings.figures.items()])
        for picture in findings.pictures:
            self._client.log_artifact(self._run, str(picture), "pictures")
        self._client.log_artifacts(self._run, str(findings.adapters), "adapters")
        self._client.set_terminated(self._run, FINISHED)

    def break_off(self) -> None:
        """Say that the run has failed; it may go on later."""
        self._client.set_terminated(self._run, FAILED)

    def _file(self) -> str:
        return f"sqlite:///{self._folder.absolute() / 'mlflow.db'}"

    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        if found is not None:
            return str(found.experiment_id)
        own = (self._folder / "artifacts").absolute().as_uri()
        place = own if self._database else None  # a server has a place of its own
        return str(self._client.create_experiment(self._experiment, artifact_location=place))

    def _is_there(self, run: str) -> bool:
        try:
            return str(self._client.get_run(run).info.lifecycle_stage) == "active"
        except self._mlflow.MlflowException:
            return False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other process make the same database or experiment meanwhile."""
        logging.getLogger("alembic").setLevel(logging.WARNING)
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / ".lock"):
            yield
