"""The paper's table as files: every cell unrounded as CSV, rounded and explained as Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mlff_cli.metrics.equivalence import LEVEL, MARGIN
from mlff_cli.metrics.figures import NOTATION, definition
from mlff_cli.metrics.mean_average_precision import METRIC as MAP
from mlff_cli.results.cells import BESIDE, DEVIATION, Kind, Row, rounded, some_seeds
from mlff_cli.results.columns import ADDED
from mlff_cli.results.labels import markdown
from mlff_cli.results.paper.table import (
    BASELINES,
    FINETUNE,
    JUDGED,
    MLFF,
    PAPER,
    PARITY,
    paper_rows,
)
from mlff_cli.results.renderers import csv as as_csv
from mlff_cli.results.renderers import markdown as as_markdown
from mlff_cli.results.table import Column, Table
from mlff_cli.system.files import write_atomically

CSV, TEXT = "results.csv", "results.md"

NOTES = f"""\
Scores and shares in percent, differences, forgetting and delta mAP in percentage points; ± is the
standard deviation over the seeds (N - 1), (2 of 3) how many of them a cell is taken over.
{NOTATION}.

- learning: {definition("learning", MAP)}; final: {definition("final average", MAP)}
- forgetting: {definition("forgetting", MAP)}
- delta mAP: forgetting of finetune minus forgetting of mlff, paired by seed; positive: mlff
  forgets less
- unseen mAP: on the product never trained on, after the last training; every product takes its
  turn, and the mean over them counts
- difference: mlff minus finetune, paired by seed. Verdict: two one-sided paired t-tests with a
  margin of {100 * MARGIN:g} points, at {100 * LEVEL:g} %: "equivalent"; else "better" or
  "worse" where the paired t-test finds a difference at {100 * LEVEL:g} %; else "not decided". p is
  that of the test that gave the verdict, of equivalence where it was not decided
- saving: parameters not trained, of those of the whole backbone and plain heads
- training seconds: without the extraction of features, which all runs on a frozen backbone share;
  its seconds stand beside, for all runs of the row together, and are 0 where all were stored before

**The same as in the paper:** the three scenarios; a frozen ImageNet backbone, a fusion layer of
1x1 convolutions with learned level weights and pooling, a small head; as the baseline, full
fine-tuning of the same backbone on the same images, splits and seeds; what is counted.

**Not the same:** the paper's images, epochs, optimiser and seeds are not public, so the images are
others; so is the backbone (the paper names ResNet-50 as an example) and the machine (an RTX 3080
there). The paper gives one percentage for each method and scenario and does not define it; it
stands beside our learning accuracy, and for the unseen product beside our unseen mAP. Its columns
are the claims that ours are held against, and no results on the same data.
"""


def write_paper_table(
    folder: Path, runs: Sequence[Row], command: str, remarks: Sequence[str]
) -> str:
    """Write results.csv and results.md; return the Markdown.

    Args:
        folder: Where the files go.
        runs: Rows of runs, failed ones with an "error".
        command: What made them.
        remarks: Lines on the splits.
    """
    rows = paper_rows(runs)
    parts = ["# The paper's table", "", f"    {command}", ""]
    for table in _sections(rows):
        parts += [f"## {table.title}", "", as_markdown.render(table)]
    parts += [line for remark in remarks for line in (markdown(remark), "")]
    failed = [run for run in runs if run.get("error")]
    if failed:
        parts += ["Failed runs, which are missing above:", ""]
        said = (f"{r['scenario']}, {r['method']}, seed {r['seed']}: {r['error']}" for r in failed)
        parts += [*(f"- {markdown(line)}" for line in said), ""]
    text = "\n".join([*parts, NOTES])
    write_atomically(folder / CSV, _csv(rows))
    write_atomically(folder / TEXT, text)
    return text


def _csv(rows: Sequence[Row]) -> str:
    keys = dict.fromkeys(key for row in rows for key in row)
    return as_csv.render(Table("", [Column(key) for key in keys if not key.endswith(BESIDE)], rows))


class Shown(NamedTuple):
    """A column of the Markdown: its heading, the column of the row, and how it is rounded.

    In `source`, {score} stands for the score that the paper's is held against in that row.
    """

    heading: str
    source: str
    kind: Kind

    def of(self, row: Row) -> str:
        """Return the column of a row."""
        return self.source.format(score=row[JUDGED])

    def text(self, row: Row) -> str:
        """Return a cell as people see it: without unit, differences with their sign."""
        key = self.of(row)
        value, deviation = row.get(key), row.get(key + DEVIATION)
        if value is None or isinstance(value, str):
            return value or ""
        text = rounded(value, self.kind)
        signed = self.kind == "points" and "forgetting" not in self.source
        if signed and not text.startswith("-") and not self.source.startswith(PAPER):
            text = f"+{text}"
        if isinstance(deviation, int | float) and self.kind != "count":
            text += f" ± {rounded(deviation, self.kind, beside=value)}"
        return text + some_seeds(row, key)


def _both(column: str, kind: Kind, heading: str = "") -> list[Shown]:
    methods = (FINETUNE, MLFF)
    return [Shown(f"{method} {heading}".strip(), f"{method} {column}", kind) for method in methods]


def _difference(title: str, heading: str) -> list[Shown]:
    return [
        Shown(heading, title, "points"),
        Shown("verdict", f"{title}: verdict", "text"),
        Shown("p", f"{title}: p", "number"),
    ]


def _parity(score: str) -> list[Shown]:
    paper = [
        Shown(f"{PAPER}{method}", f"{PAPER}{method} {score}", "fraction")
        for method in (FINETUNE, MLFF)
    ]
    return [*_both(score, "fraction"), *_difference(f"difference in {score}", "difference"), *paper]


_UNSEEN = "unseen mAP"
_SECTIONS = {
    "In the paper's columns": [
        Shown("score", JUDGED, "text"),
        *_parity("{score}"),
        Shown("delta mAP", "delta mAP", "points"),
        Shown(f"{PAPER}delta mAP", f"{PAPER}delta mAP", "points"),
        Shown("saving (%)", "saving (%)", "percent"),
        Shown(f"{PAPER}saving (%)", f"{PAPER}saving (%)", "percent"),
        Shown("times faster", "ratio of training seconds", "percent"),
    ],
    **{f"{score[0].upper()}{score[1:]}": _parity(score) for score in PARITY},
    "Unseen mAP beside the baselines": [
        Shown("mlff", f"mlff {_UNSEEN}", "fraction"),
        Shown("linear_probe (deepest level)", f"linear_probe {_UNSEEN}", "fraction"),
        *_difference(f"mlff - linear_probe {_UNSEEN}", "mlff - linear_probe"),
        Shown("joint", f"joint {_UNSEEN}", "fraction"),
    ],
    "Forgetting in mAP": [
        *_both("forgetting (mAP)", "points"),
        Shown("delta mAP", "delta mAP", "points"),
        Shown(f"{PAPER}delta mAP", f"{PAPER}delta mAP", "points"),
    ],
    "Trainable parameters and memory": [
        *_both("trainable parameters", "count", "trains"),
        Shown("mlff adds per experience", f"{MLFF} {ADDED}", "count"),
        Shown("saving (%)", "saving (%)", "percent"),
        Shown(f"{PAPER}saving (%)", f"{PAPER}saving (%)", "percent"),
        *_both("peak memory (MiB)", "count", "peak MiB"),
    ],
    "Training time": [
        *_both("training seconds per experience", "seconds", "s per experience"),
        Shown("ratio", "ratio of training seconds", "percent"),
        Shown("extraction s, all runs", "feature extraction seconds, all runs", "seconds"),
        *[
            Shown(f"{PAPER}{method} min", f"{PAPER}{method} minutes", "count")
            for method in (FINETUNE, MLFF)
        ],
    ],
    "Baselines: the deepest level alone, and all experiences at once": [
        Shown(f"{method} {score}", f"{method} {score}", "fraction")
        for method in BASELINES
        for score in ("learning mAP", "final accuracy", "final mAP", "forgetting (mAP)")
        if method == "linear_probe" or score.startswith("final")
    ],
}
"""Tables of the Markdown, a row per scenario in each."""


def _sections(rows: Sequence[Row]) -> list[Table]:
    """Return the tables that have a value of ours, with the columns that have one."""
    tables = []
    for title, columns in _SECTIONS.items():
        own = [c for c in columns if not c.source.startswith(PAPER) and c.source != JUDGED]
        filled = [row for row in rows if any(row.get(c.of(row)) is not None for c in own)]
        shown = [c for c in columns if any(row.get(c.of(row)) is not None for row in filled)]
        cells: list[Row] = [
            {"scenario": row["scenario"]} | {c.source: c.text(row) for c in shown} for row in filled
        ]
        headings = [Column(c.heading, "shown", key=c.source) for c in shown]
        tables.append(Table(title, [Column("scenario"), *headings], cells))
    return [table for table in tables if table.rows]
