"""What an evaluation on other images leaves behind: the files of a run that speak of images."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from mlff_cli.config.overrides import command_line
from mlff_cli.results.comparison import REPORT
from mlff_cli.results.figures_table import scores_table
from mlff_cli.results.labels import plain
from mlff_cli.results.operating_points import OperatingPoint
from mlff_cli.results.page.page import RunPage, run_page
from mlff_cli.results.renderers import csv as as_csv
from mlff_cli.results.table import Table
from mlff_cli.runs.final_scores import ALL_TOGETHER, FinalScores, answers_of, good_names
from mlff_cli.runs.folder import PREDICTIONS
from mlff_cli.runs.page import provenance, title_of
from mlff_cli.runs.prediction_log import PredictionLog
from mlff_cli.runs.reopen import OpenRun
from mlff_cli.runs.report import FIGURES
from mlff_cli.runs.scoring import Scored, Scorer
from mlff_cli.runs.worst_images import worst_images
from mlff_cli.system.files import write_atomically
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import ImageSource


def write_evaluation(
    target: Path,
    opened: OpenRun,
    scored: Sequence[tuple[Experience, Scored]],
    *,
    scorer: Scorer,
    contents: Mapping[ImageSource, str],
    data: Mapping[str, Any],
    results: Table,
) -> None:
    """Write predictions.csv, figures.csv and report.html of other images.

    Args:
        target: Folder for the files.
        opened: The run whose model scored them.
        scored: Every experience of theirs, and its scores.
        scorer: What scored them.
        contents: The hash of each image.
        data: The section `data` that they are of.
        results: The scores as they are printed.
    """
    experiences = [experience for experience, _ in scored]
    log = PredictionLog(target / PREDICTIONS, experiences, scorer.kind, contents)
    log.begin(-1, scorer.split, {})
    learned = len(opened.record.facts.experiences)
    log.add(learned, scorer.split, scored)
    parts = [log.of(experience, scores, learned, scorer.split) for experience, scores in scored]
    final = FinalScores(
        parts,
        scorer.metrics,
        _answers(opened, experiences, scorer),
        opened.record.good or good_names(opened.config["data"]),
        _points(opened, experiences),
    )
    table = scores_table(final.figures, final.tried_points)
    write_atomically(target / FIGURES, as_csv.render(table))
    write_atomically(target / REPORT, _page(opened, experiences, final, data, results))


def _page(
    opened: OpenRun,
    experiences: Sequence[Experience],
    final: FinalScores,
    data: Mapping[str, Any],
    results: Table,
) -> str:
    made = provenance(opened.folder, opened.record)
    return run_page(
        RunPage(
            title=f"{title_of(opened.config)}: scored on dataset={data['name']}",
            lead=f"run {opened.folder.path.name}",
            results=results,
            matrix=None,
            scored=final.scored,
            figures=final.figures,
            points=final.tried_points,
            leaks="",
            leaking=False,
            skipped=(),
            worst=worst_images(opened.method, final.scored, experiences),
            provenance={"evaluated by": command_line(), **made},
            config=yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True),
        )
    )


def _answers(
    opened: OpenRun, experiences: Sequence[Experience], scorer: Scorer
) -> dict[str, Sequence[str]]:
    """Return what floors answer: that of the run's training images that the head learned from.

    Where a run did not keep it, the images themselves show what they are made of.
    """
    known = opened.record.answers
    own = answers_of(experiences, scorer.split, scorer.kind)
    return {
        plain(e.name): known.get(plain(e.head), known.get(ALL_TOGETHER, own[plain(e.name)]))
        for e in experiences
    }


def _points(opened: OpenRun, experiences: Sequence[Experience]) -> list[OperatingPoint]:
    """Return the run's thresholds for these experiences, by their own name or that of the head."""
    known = {point.experience: point for point in opened.record.points}
    found = [(e, known.get(plain(e.name)) or known.get(plain(e.head))) for e in experiences]
    return [replace(point, experience=plain(e.name)) for e, point in found if point is not None]
