"""Runs of `mlff` in folders of their own, and what is kept of each."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from material import Material
from processes import ROOT, Measured, measured

MLFF = [sys.executable, "-m", "mlff_cli"]


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        size: Side of the images in pixels.
        repeat: Times that every figure is taken; the long ones (4, 5, 6) twice at most.
        sweep: Seeds of each of two fusion layers in the sweep.
        experiences: Of the synthetic sequence, and images in each of its two classes.
        scales: Images of each class that the runs of figure 7 draw, and their experiences.
        stream: Images that are predicted one by one before it counts, and then.
        predicted: Images that are predicted in one process.
        starts: Times that the quick commands are started.
        warm_up: Whether programs and libraries are brought into the system's cache first.
        keys: Further keys of every run.
    """

    size: int
    repeat: int
    sweep: int = 10
    experiences: tuple[int, int] = (200, 10)
    scales: tuple[int, ...] = (200, 2000)
    batches: int = 20
    stream: tuple[int, int] = (10, 200)
    predicted: tuple[int, ...] = (1000, 10_000)
    starts: int = 5
    warm_up: bool = True
    keys: tuple[str, ...] = ()

    @classmethod
    def quick(cls, size: int) -> "Extent":
        """Return the smallest extent in which every figure is taken."""
        return cls(
            size,
            repeat=1,
            sweep=1,
            experiences=(4, 6),
            scales=(12,),
            batches=2,
            stream=(1, 4),
            predicted=(6, 12),
            starts=1,
            warm_up=False,
            # Nothing here depends on the engine, and graphs take seconds to write.
            keys=("method.epochs=2", "backbone.engine=torch"),
        )

    @property
    def repeat_long(self) -> int:
        """How often the long figures are taken."""
        return min(self.repeat, 2)


@dataclass(frozen=True)
class Observation:
    """One number: a quantity of a case of a figure, in one of its repetitions."""

    figure: int
    case: str
    repetition: int
    quantity: str
    value: float


@dataclass
class Bench:
    """Where everything lies, and the numbers so far."""

    folder: Path
    extent: Extent
    say: Callable[[str], None]
    observations: list[Observation] = field(default_factory=list)
    _runs: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What every process gets, so that it meets this checkout and no network."""
        return {
            "PYTHONPATH": str(ROOT),
            "MLFF_CACHE": str(self.folder / "cache"),
            "OMP_WAIT_POLICY": "PASSIVE",
            "HF_HUB_OFFLINE": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # as after the first start of any program
        }

    def note(self, figure: int, case: str, repetition: int, **values: float) -> None:
        """Keep numbers of one repetition."""
        for quantity, value in values.items():
            self.observations.append(Observation(figure, case, repetition, quantity, value))

    def process(
        self, figure: int, case: str, repetition: int, command: Sequence[str], **options: Any
    ) -> Measured:
        """Run a process, keep what it took, and say so."""
        took = measured(command, self.folder, self.environment, **options)
        self.note(
            figure, case, repetition,
            seconds=took.seconds, cpu_seconds=took.cpu_seconds,
            peak_memory_mib=took.peak_memory_mib,
        )  # fmt: skip
        self.say(f"{figure}. {case}: {took.seconds:.2f} s, processor {took.cpu_seconds:.2f} s")
        return took

    def train(
        self,
        figure: int,
        case: str,
        repetition: int,
        material: Material | None,
        store: Path,
        *keys: str,
        **options: Any,
    ) -> tuple[Measured, dict[str, Any]]:
        """Run `mlff train` in a fresh folder; return what it took, and its run.json and "log"."""
        self._runs += 1
        runs = self.folder / f"runs-{self._runs}"
        size = [f"data.image_size={self.extent.size}", *material.overrides] if material else []
        command = [
            *MLFF, "train", *size, *self.extent.keys, *keys,
            f"paths.runs={runs}", f"paths.features={store}",
        ]  # fmt: skip
        took = self.process(figure, case, repetition, command, **options)
        files = list(runs.rglob("run.json"))
        facts = json.loads(files[0].read_text(encoding="utf-8")) if files else {}
        if files:
            facts["log"] = files[0].with_name("log.txt").read_text(encoding="utf-8")
        shutil.rmtree(runs, ignore_errors=True)
        return took, facts

    def fresh(self, name: str) -> Path:
        """Return an empty folder for a store, whatever was there before."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder


def console(line: str) -> None:
    """Say a line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)
