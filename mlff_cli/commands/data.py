"""``mlff data check``: what images are worth: their split, and the backbone that sees them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlff_cli.audit.counts import Line, balance, counts, floors
from mlff_cli.audit.fit import Fit, backbone_lines, fit_of, fit_sentences, levels_lines
from mlff_cli.audit.leaks import DEEPEST_LEVELS, Leaks, find_leaks
from mlff_cli.audit.near_duplicates import ALIKE, APART
from mlff_cli.audit.pair_sheet import pair_sheet
from mlff_cli.audit.verdict import TOLERATED, sentence, verdict
from mlff_cli.config.overrides import command_line
from mlff_cli.results.labels import markdown
from mlff_cli.results.renderers import markdown as as_markdown
from mlff_cli.results.renderers.terminal import across, console
from mlff_cli.results.table import Column, Table
from mlff_cli.runs.backbones import other_fits
from mlff_cli.runs.building import build_device, build_features
from mlff_cli.runs.identity import backbone_name, run_hash
from mlff_cli.runs.listing import listing_of
from mlff_cli.runs.parent import parent_of, task_behind
from mlff_cli.system.files import write_atomically
from mlff_cli.system.logs import logging_to
from mlff_cli.tasks.absent import at_hand
from mlff_cli.tasks.task import Task

REPORT, LIST, SHEET = "report.md", "duplicates.csv", "duplicates.png"

INSTALLED = "installed"

NAMES = ("experience", "split", "class", "backbone")
"""Columns that are no numbers."""


def run(config: Mapping[str, Any]) -> int:
    """Write the report, say the verdict; return 1 when the check fails."""
    checked = check(config)
    _show(checked)
    print(checked.folder)
    return int(not checked.passed)


@dataclass(frozen=True)
class Checked:
    """What is known of a task's images.

    Attributes:
        passed: Whether its scores can be trusted and every image was read.
        lines: The verdict in words.
        tables: On its images, by their titles.
        skipped: Images that cannot be read: name and problem.
        folder: Where the report lies.
    """

    passed: bool
    lines: Sequence[str]
    tables: Mapping[str, Table]
    skipped: Sequence[tuple[str, str]]
    folder: Path


def check(config: Mapping[str, Any]) -> Checked:
    """Look at the images of a task and write the report on them."""
    with logging_to(None):
        listing = listing_of(_tolerant(config))
        task, listing = task_behind(parent_of(config), config, listing)
        features = build_features(config, build_device(config), listing)
        split = config["splits"]["scored"]
        there = list(map(at_hand, task.experiences))
        leaks = find_leaks(features, there, split)
        own = fit_of(backbone_name(config), features, there)
        others = (
            list(other_fits(config, listing, there)) if config["backbones"] == INSTALLED else []
        )
    found = verdict(leaks.scored, leaks.copied, split)
    refused = bool(task.skipped) and config["data"].get("on_bad_image") == "error"
    lines = [sentence(found)]
    if task.skipped:
        lines.append(f"{len(task.skipped)} images cannot be read")
    lines += fit_sentences(own, others)
    decisive = {key: value for key, value in config.items() if key != "backbones"}
    name = f"data-check-{run_hash(decisive, listing.digest)}"
    folder = Path(config["paths"]["runs"]).expanduser() / config["task"]["name"] / name
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / LIST, _list(leaks))
    write_atomically(folder / REPORT, _report(config, task, leaks, lines, [own, *others]))
    (folder / SHEET).unlink(missing_ok=True)
    if pairs := _pairs(leaks):
        page = io.BytesIO()
        pair_sheet(pairs).save(page, "png")
        write_atomically(folder / SHEET, page.getvalue())
    passed = found.passed and not refused
    return Checked(passed, lines, _tables(task, split), task.skipped, folder)


def _tolerant(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config by which unreadable files are found, and all of them told."""
    data = dict(config["data"])
    if "on_bad_image" in data:
        data |= {"on_bad_image": "skip", "bad_image_limit": 1.0}
    return {**config, "data": data}


def _pairs(leaks: Leaks) -> list[tuple[Any, Any, str]]:
    """Return every pair with a remark: the same content first, then by similarity."""
    same = set(leaks.exact)
    pairs = [(scored, trained, "the same content") for scored, trained in leaks.exact]
    pairs += [
        (pair.scored, pair.trained, f"similarity {pair.similarity:.3f}")
        for pair in leaks.near
        if (pair.scored, pair.trained) not in same
    ]
    return [(leaks.records[left], leaks.records[right], said) for left, right, said in pairs]


def _list(leaks: Leaks) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("kind", "similarity", "scored", "trained", "scored_labels", "trained_labels"))
    exact = set(leaks.exact)
    similarity = {(pair.scored, pair.trained): pair.similarity for pair in leaks.near}
    for pair in dict.fromkeys([*leaks.exact, *similarity]):
        left, right = (leaks.records[position] for position in pair)
        kind = "exact" if pair in exact else "near"
        labels = (";".join(left.labels), ";".join(right.labels))
        writer.writerow((kind, similarity.get(pair, ""), left.name, right.name, *labels))
    return text.getvalue()


def _report(
    config: Mapping[str, Any], task: Task, leaks: Leaks, lines: Sequence[str], fits: Sequence[Fit]
) -> str:
    split = config["splits"]["scored"]
    parts = [f"# {markdown(config['task']['title'])}: its images", "", f"    {command_line()}", ""]
    parts += [f"- {line}" for line in lines]
    for title, table in _tables(task, split).items():
        parts += ["", f"## {title}", "", as_markdown.render(table)]
    parts += ["What answers reach that never look at an image: the most frequent class of the"]
    parts += ["training images for all, one score for all, scores drawn at random (expected);"]
    parts += ["of numbers that are predicted the median of the training images for all."]
    parts += _fit_parts(fits)
    parts += ["", "## Copies between train and " + split, ""]
    parts += [
        f"{leaks.scored} {split} images were compared with {len(leaks.records) - leaks.scored} "
        f"training images: {len(leaks.exact)} have the same content as one of them, "
        f"{len(leaks.near)} are near-duplicates; all pairs are listed in {LIST}"
        + (f" and shown in {SHEET}." if leaks.copied else ".")
        + f" Near-duplicates have a cosine similarity above {ALIKE} of the standardised features "
        f"(mean, maximum and deviation of the {DEEPEST_LEVELS} deepest levels of "
        f"{config['backbone']['name']}), and above {APART} of their whitened principal "
        f"components. The check fails where more than {TOLERATED:.0%} of the {split} images have "
        "a copy."
    ]
    if task.skipped:
        listed = (f"- {markdown(name)}: {markdown(problem)}" for name, problem in task.skipped)
        parts += ["", "## Unreadable files", "", *listed]
    return "\n".join(parts) + "\n"


def _fit_parts(fits: Sequence[Fit]) -> list[str]:
    """Return lines on how well levels and backbones tell the classes apart, the own one first."""
    own, *others = fits
    if not own.together:
        return []
    title = f"Levels of {own.backbone}"
    parts = ["", f"## {title}", "", as_markdown.render(_table(title, levels_lines(own)))]
    if others:
        lines = backbone_lines(own, others)
        parts += ["", "## Backbones", "", as_markdown.render(_table("Backbones", lines))]
    return [
        *parts,
        "How often the nearest training image of another piece is of the same class, every class",
        "weighing alike, by maxima, minima and ranges of the levels (of numbers: the share of the",
        "median's error that it saves). No validation or test image is looked at, and nothing is",
        "trained.",
    ]


def _tables(task: Task, scored: Any) -> dict[str, Table]:
    """Return the tables on a task's images by their titles."""
    lines = {
        "Images, classes and groups": counts(task.experiences),
        "Class balance": balance(task.experiences),
        "Trivial floors": floors(task.experiences, scored),
    }
    return {title: _table(title, content) for title, content in lines.items()}


def _table(title: str, lines: Sequence[Line]) -> Table:
    names = dict.fromkeys(key for line in lines for key in line)
    columns = [Column(name, "text" if name in NAMES else "shown") for name in names]
    return Table(title, columns, [dict(line) for line in lines])


def _show(checked: Checked) -> None:
    for title in ("Images, classes and groups", "Trivial floors"):
        console().print(across(checked.tables[title]))
    for name, problem in checked.skipped[:5]:
        print(f"{name}: {problem}")
    for line in checked.lines:
        print(line)
