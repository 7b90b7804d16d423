"""A line for each run, whatever became of it; what is damaged is told and stops nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlff_cli.config.plug_ins_needed import PlugInMissingError
from mlff_cli.config.saved import CONFIG
from mlff_cli.results.cells import Row
from mlff_cli.results.columns import score_columns
from mlff_cli.results.table import Column, Table
from mlff_cli.runs.folder import FAILED, LOG, RunFolder
from mlff_cli.runs.identity import DONE, backbone_name
from mlff_cli.runs.report import row_of
from mlff_cli.system.failures import explained

FINISHED, RUNNING, BROKEN_OFF = "finished", "running", "broken off"
FAILING, DAMAGED, LACKING = "failed", "damaged", "lacks a plug-in"

STATES = {
    FINISHED: "",
    RUNNING: "",
    BROKEN_OFF: "the same command resumes it",
    FAILING: "the same command tries it again from where it failed",
    LACKING: "the run is whole, and a part that it was made with is not here",
    DAMAGED: "put its files back from a copy, or remove its folder and train it again",
}
"""What a run can be, and what helps there."""

SHOWN_FIGURES = ("learning", "final average")


@dataclass(frozen=True)
class Overview:
    """What is told of a run.

    Attributes:
        folder: Where it lies.
        state: One of `STATES`.
        date: When it finished; else when it last said something.
        task: Its name; "" where it cannot be read, as in the attributes below.
        method: Its name.
        seed: As text.
        others: Further names: backbone, fusion layer.
        remark: Who trains it, why it failed, or what is damaged.
        scores: Its row in a table of results; empty before `scored`.
    """

    folder: RunFolder
    state: str
    date: datetime
    task: str = ""
    method: str = ""
    seed: str = ""
    others: tuple[str, ...] = ()
    remark: str = ""
    scores: Row = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What it is found by."""
        path = self.folder.path
        own = (self.task, self.method, self.seed, self.state, path.name, path.parent.name)
        return (*own, *self.others)


def overview(folder: RunFolder) -> Overview:
    """Return what is told of a run, without its scores; never raises."""
    return _readable(folder, lambda: _finished(folder) if folder.finished else _unfinished(folder))


def scored(run: Overview) -> Overview:
    """Return a run with its scores if it is finished; never raises."""
    if run.state != FINISHED:
        return run
    return _readable(run.folder, lambda: replace(run, scores=row_of(run.folder)))


def having(runs: Sequence[Overview], word: str) -> list[Overview]:
    """Return the runs with that name; where none has it, those with a name that contains it."""
    named = [run for run in runs if word in run.names]
    return named or [run for run in runs if any(word in name for name in run.names)]


def table(runs: Sequence[Overview], base: Path) -> Table:
    """Return the runs in their order, folders as they are called within `base`."""
    scores = [score.column for score in score_columns() if score.figure in SHOWN_FIGURES]
    rows = [_row(run, base) for run in runs]
    names = [Column(title) for title in ("task", "method")]
    columns = [*names, Column("seed", "integer"), *scores]
    columns += [Column(title) for title in ("date", "state", "folder")]
    shown = [column for column in columns if any(map(column.text, rows))]
    notes = [f"{row['folder']}: {run.remark}" for run, row in zip(runs, rows, strict=True)
             if run.remark]  # fmt: skip
    present = dict.fromkeys(str(row["state"]) for row in rows)
    notes += [f"{state}: {STATES[state]}" for state in present if STATES[state]]
    return Table("", shown, rows, notes).without_repeats()


def _row(run: Overview, base: Path) -> Row:
    path = run.folder.path
    row: Row = {
        "task": run.task,
        "method": run.method,
        "seed": run.seed,
        "date": run.date.astimezone().strftime("%Y-%m-%d %H:%M"),
        "state": run.state,
        "folder": str(path.relative_to(base) if path.is_relative_to(base) else path),
    }
    return run.scores | row


def _readable(folder: RunFolder, read: Callable[[], Overview]) -> Overview:
    try:
        return read()
    except PlugInMissingError as error:
        names = _names(folder.config())
        return Overview(folder, LACKING, _last_change(folder), *names, str(error))
    except Exception as error:
        # Whatever a strange or old file makes a reader stumble over: the other runs are listed.
        return Overview(folder, DAMAGED, _last_change(folder), remark=explained(error)[0])


def _finished(folder: RunFolder) -> Overview:
    facts, finished = folder.record().facts, folder.record().finished
    folder.matrix()  # refuses a damaged one
    return Overview(
        folder,
        FINISHED,
        datetime.fromisoformat(finished).astimezone(),
        facts.scenario,
        facts.method,
        str(facts.seed),
        (facts.backbone, facts.fusion),
    )


def _unfinished(folder: RunFolder) -> Overview:
    config = folder.config()
    state, remark = _how_it_stands(folder)
    return Overview(folder, state, _last_change(folder), *_names(config), remark)


def _names(config: Mapping[str, Any]) -> tuple[str, str, str, tuple[str, ...]]:
    others = (backbone_name(config), str(config["fusion"]["name"]))
    return str(config["task"]["name"]), str(config["method"]["name"]), str(config["seed"]), others


def _how_it_stands(folder: RunFolder) -> tuple[str, str]:
    """Return the state of a run that is not finished, and what is to be remarked."""
    if holder := folder.lock.holder():
        return RUNNING, f"process {holder.get('process', '?')} on {holder.get('host', '?')}"
    failure = folder.read_text(FAILED)
    return (BROKEN_OFF, "") if failure is None else (FAILING, failure.strip())


def _last_change(folder: RunFolder) -> datetime:
    files = [folder.path / name for name in (CONFIG, LOG, FAILED, DONE)]
    times = [file.stat().st_mtime for file in files if file.is_file()]
    return datetime.fromtimestamp(max(times, default=0.0), UTC)
