"""Weights & Biases: files that `wandb sync` sends later, or at once."""

import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlff_cli.system.extras import extra_module
from mlff_cli.trackers.base import Findings, Point, Subject, Tracker

EXTRA = "wandb"

PLACES = {"WANDB_DATA_DIR": "data", "WANDB_CACHE_DIR": "cache", "WANDB_CONFIG_DIR": "config"}
"""Environment of wandb, where the user has not set it, and the subfolder for it."""

SENT_WITHIN = 100.0
"""Seconds after which sending ends, at the end of a run."""


class WeightsAndBiases(Tracker):
    """Writes scores as history, the config, pictures and adapters."""

    def __init__(self, folder: Path, mode: str, project: str, group: str | None) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        for name, inside in PLACES.items():
            os.environ.setdefault(name, str((folder / inside).absolute()))
        self._wandb = extra_module("wandb", EXTRA)
        self._folder = folder
        self._keys = {"mode": mode, "project": project, "group": group}
        self._run: Any = None

    def begin(self, subject: Subject, earlier: str | None) -> str:
        """Begin a run, or go on with the earlier one: what it holds is there in the end."""
        found_by = earlier or f"{_plain(subject.name)}-{uuid.uuid4().hex[:8]}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._run = self._wandb.init(
            id=found_by,
            name=subject.name,
            dir=str(self._folder),
            config=dict(subject.config),
            resume="allow",
            settings=self._quiet(),
            **self._keys,
        )
        return found_by

    def add(self, points: Sequence[Point]) -> None:
        """Write history, a row for each experience trained."""
        for step in sorted({point.step for point in points}):
            self._run.log({p.key: p.value for p in points if p.step == step}, step=step)

    def finish(self, findings: Findings, step: int) -> None:
        """Write figures, pictures and adapters; end the run."""
        pictures = {picture.stem: self._wandb.Image(str(picture)) for picture in findings.pictures}
        self._run.log(pictures, step=step)
        self._run.summary.update({f"figures/{k}": v for k, v in findings.figures.items()})
        adapters = self._wandb.Artifact(f"adapters-{self._run.id}", type="model")
        for file in sorted(findings.adapters.iterdir()):  # add_dir prints
            adapters.add_file(str(file))
        self._run.log_artifact(adapters)
        self._run.finish()

    def break_off(self) -> None:
        """End the run as a failed one; it may go on later."""
        self._run.finish(exit_code=1)

    def _quiet(self) -> Any:
        """Return settings by which nothing is printed, and no more is told than what is here."""
        return self._wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,
            x_disable_meta=True,
            init_timeout=60,
            finish_timeout=SENT_WITHIN,
        )


def _plain(name: str) -> str:
    return re.sub(r"[^\w\-]", "-", name)[:100]
