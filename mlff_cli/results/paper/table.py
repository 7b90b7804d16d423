"""The paper's benchmark table (arXiv 2601.00725) from the rows of runs: one row per scenario."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from mlff_cli.metrics.equivalence import compare
from mlff_cli.results.cells import DEVIATION, SEEDS, Row, known_or_none
from mlff_cli.results.columns import ADDED

FINETUNE, MLFF = "finetune", "mlff"
BASELINES = ("linear_probe", "joint")
PAPER = "paper: "
"""Begins the columns of the figures that the paper gives."""

JUDGED = "score beside the paper's"
"""The column that names our score which the paper's percentage stands beside."""

PARITY = ("learning accuracy", "learning mAP", "final accuracy", "final mAP", "unseen mAP")
"""Scores whose difference between mlff and fine-tuning gets a verdict."""

Seeds = dict[int, float]


@dataclass(frozen=True)
class Scenario:
    """A row of the paper's table.

    Attributes:
        title: The scenario in words.
        score: Our score that the paper's stands beside.
        finetune: The paper's score, a fraction.
        mlff: The paper's score, a fraction.
        saving: Of trainable parameters, in percent.
        delta: Delta mAP, a fraction.
    """

    title: str
    score: str
    finetune: float
    mlff: float
    saving: float | None
    delta: float


SCENARIOS = {
    "surface_defect": Scenario(
        "surface defect detection, products", "learning accuracy", 0.942, 0.938, 92.0, 0.021
    ),
    "component_misalignment": Scenario(
        "component misalignment, batches", "learning accuracy", 0.885, 0.881, 89.0, 0.034
    ),
    "cross_product": Scenario(
        "cross-product generalisation", "unseen mAP", 0.810, 0.807, None, 0.040
    ),
}
"""The paper's three scenarios, by how the names of the tasks begin that stand for them."""

PAPER_MINUTES = {FINETUNE: 45, MLFF: 5}
"""Training of a new task on an RTX 3080, "about"."""


def paper_rows(runs: Sequence[Row]) -> list[Row]:
    """Return a row per scenario: means over seeds, with deviations (N - 1), and differences.

    Tasks whose names begin alike make one row: of each seed their mean is taken first, so that
    every product counts that takes its turn as the unseen one. A cell is None where it could not
    be computed; differences, ratios and verdicts are taken over the seeds that both methods have.
    Where a cell is taken over some of the row's seeds, their number stands beside it.

    Args:
        runs: As from `tables.result_row`; failed ones are left out.
    """
    finished = [run for run in runs if not run.get("error")]
    rows = []
    for name, scenario in SCENARIOS.items():
        own = [run for run in finished if str(run["scenario"]).startswith(name)]
        if own:
            rows.append(_row(scenario, own))
    return rows


def _row(scenario: Scenario, runs: Sequence[Row]) -> Row:
    row: Row = {
        "scenario": scenario.title,
        "tasks": ", ".join(dict.fromkeys(str(run["scenario"]) for run in runs)),
        "backbone": ", ".join(dict.fromkeys(str(run["backbone"]) for run in runs)),
        "seeds": len({run["seed"] for run in runs}),
        JUDGED: scenario.score,
    }
    for score in PARITY:
        row |= _parity(score, runs)
    row[f"{PAPER}{FINETUNE} {scenario.score}"] = scenario.finetune
    row[f"{PAPER}{MLFF} {scenario.score}"] = scenario.mlff
    row |= _forgetting(runs) | {f"{PAPER}delta mAP": scenario.delta}
    row |= _cost(runs) | {f"{PAPER}saving (%)": scenario.saving}
    for method, minutes in PAPER_MINUTES.items():
        row[f"{PAPER}{method} minutes"] = minutes
    for method in BASELINES:
        for score in (*PARITY[1:], "forgetting (mAP)"):
            row |= _cell(f"{method} {score}", _by_seed(runs, method, score))
    for score in ("learning mAP", "unseen mAP"):
        row |= _compared(f"mlff - linear_probe {score}", runs, score, BASELINES[0])
    return _without_full_counts(row)


def _parity(score: str, runs: Sequence[Row]) -> Row:
    row: Row = {}
    for method in (FINETUNE, MLFF):
        row |= _cell(f"{method} {score}", _by_seed(runs, method, score))
    return row | _compared(f"difference in {score}", runs, score, FINETUNE)


def _compared(title: str, runs: Sequence[Row], score: str, baseline: str) -> Row:
    """Return the cells of a difference between mlff and a baseline, and of its verdict."""
    pairs = list(_paired(runs, score, baseline))
    if not pairs:
        ends = ("", DEVIATION, SEEDS, ": verdict", ": p")
        return dict.fromkeys(f"{title}{end}" for end in ends)
    found = compare([method for method, _ in pairs], [other for _, other in pairs])
    differs = found.verdict in ("better", "worse")
    decided_by = found.difference_p if differs else found.equivalence_p
    return {
        title: found.mean,
        title + DEVIATION: known_or_none(found.deviation),
        title + SEEDS: len(pairs),
        f"{title}: verdict": found.verdict,
        f"{title}: p": known_or_none(decided_by),
    }


def _forgetting(runs: Sequence[Row]) -> Row:
    row: Row = {}
    column = "forgetting (mAP)"
    for method in (FINETUNE, MLFF):
        row |= _cell(f"{method} {column}", _by_seed(runs, method, column))
    pairs = _paired(runs, column, FINETUNE)
    delta = {seed: other - method for seed, (method, other) in enumerate(pairs)}
    return row | _cell("delta mAP", delta)


def _cost(runs: Sequence[Row]) -> Row:
    row: Row = {}
    seconds = "training seconds per experience"
    columns = ("trainable parameters", seconds, "peak memory (MiB)")
    for column in columns:
        for method in (FINETUNE, MLFF):
            row |= _cell(f"{method} {column}", _by_seed(runs, method, column))
        if column == "trainable parameters":
            row |= _cell("saving (%)", _by_seed(runs, MLFF, "saving (%)"))
            row |= _cell(f"{MLFF} {ADDED}", _by_seed(runs, MLFF, ADDED))
    pairs = _paired(runs, seconds, FINETUNE)
    ratio = {seed: other / method for seed, (method, other) in enumerate(pairs) if method}
    extraction = [_number(run, "feature extraction seconds") for run in runs]
    row |= _cell("ratio of training seconds", ratio)
    row["feature extraction seconds, all runs"] = sum(value or 0.0 for value in extraction)
    return row


def _by_seed(runs: Sequence[Row], method: str, column: str) -> Seeds:
    """Return a column of a method by seed, the mean of the tasks; none where a run has no value."""
    values: dict[int, list[float | None]] = {}
    for run in runs:
        if run["method"] == method:
            values.setdefault(int(str(run["seed"])), []).append(_number(run, column))
    return {
        seed: fmean(known)
        for seed, found in sorted(values.items())
        if len(known := [value for value in found if value is not None]) == len(found)
    }


def _paired(runs: Sequence[Row], column: str, baseline: str) -> Iterator[tuple[float, float]]:
    """Yield a column of mlff and of a baseline for each seed that has both over the same tasks."""
    tasks = {method: _tasks(runs, method) for method in (MLFF, baseline)}
    method, other = (_by_seed(runs, name, column) for name in (MLFF, baseline))
    for seed in sorted(method.keys() & other.keys()):
        if tasks[MLFF][seed] == tasks[baseline][seed]:
            yield method[seed], other[seed]


def _tasks(runs: Sequence[Row], method: str) -> Mapping[int, set[str]]:
    tasks: dict[int, set[str]] = {}
    for run in runs:
        if run["method"] == method:
            tasks.setdefault(int(str(run["seed"])), set()).add(str(run["scenario"]))
    return tasks


def _cell(title: str, values: Seeds) -> Row:
    numbers = list(values.values())
    return {
        title: fmean(numbers) if numbers else None,
        title + DEVIATION: stdev(numbers) if len(numbers) > 1 else None,
        title + SEEDS: len(numbers) or None,
    }


def _without_full_counts(row: Row) -> Row:
    """Return the row with numbers of seeds only where a cell is taken over some of them."""
    return {
        title: cell
        for title, cell in row.items()
        if not (title.endswith(SEEDS) and cell in (None, row["seeds"]))
    }


def _number(run: Row, column: str) -> float | None:
    value = run.get(column)
    return float(value) if isinstance(value, int | float) else None
