"""``mlff evaluate``: score a finished run again from its adapters; never trains."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlff_cli.errors import UserError, nearest
from mlff_cli.results.evaluation import evaluation_table
from mlff_cli.results.renderers.terminal import across, console
from mlff_cli.runs.building import build_scorer, build_task
from mlff_cli.runs.listing import PLACES, Listing, listing_of
from mlff_cli.runs.modalities import refuse_other_modalities
from mlff_cli.runs.reopen import OpenRun, reopen
from mlff_cli.runs.report_folder import report_folder
from mlff_cli.runs.splits_file import DIGITS
from mlff_cli.runs.value_range import AUTO
from mlff_cli.system.logs import logging_to
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import one_form

OWN = "_own"
"""The choice of `dataset` that stands for the run's own images."""


def run(config: Mapping[str, Any]) -> int:
    """Print the scores of the run's final model on its own images, or on others."""
    path, data = Path(config["run"]).expanduser(), config["data"]
    own = data["name"] == OWN
    moved = {key: data[key] for key in PLACES} if own else {}
    opened = reopen(path, trainer=config["trainer"], paths=config["paths"], data=moved)
    with logging_to(None):
        return _again(opened) if own else _others(opened, config)


def _again(opened: OpenRun) -> int:
    """Score the run's own images and print the scores beside the saved ones."""
    opened.refuse_other_images()
    console().print(across(evaluation_table(opened.scores_now(), opened.saved_scores())))
    print(opened.folder.path)
    return 0


def _others(opened: OpenRun, config: Mapping[str, Any]) -> int:
    """Score all images of another data set as the run's heads read them; write what they say."""
    # A page is made here alone: a run's own images are scored again without what draws one.
    from mlff_cli.results.comparison import REPORT
    from mlff_cli.runs.evaluation import write_evaluation

    data = {**config["data"], "image_size": opened.config["data"]["image_size"]}
    if data.get("bits") == AUTO:  # 16-bit images are as bright as they were in training
        data["bits"] = opened.data.get("bits", AUTO)
    if "modalities" in data and not data["modalities"]:
        data["modalities"] = opened.config["data"].get("modalities", [])
    theirs = {**opened.config, "data": data}
    refuse_other_modalities(opened.config, theirs)
    listing = listing_of(theirs)
    if not config["score_trained_images"]:
        _refuse_trained_images(opened, listing)
    task = build_task(theirs, listing, only_scored=True)
    wanted = one_form(config["use_head"])
    experiences = [_read_by(opened, e, wanted) for e in task.experiences]
    scorer = build_scorer(opened.config, "test")
    scored = [(experience, scorer(opened.method, experience)) for experience in experiences]
    table = evaluation_table({e.name: own.values for e, own in scored}, {})
    target = _target(opened, config, listing)
    with report_folder(target) as made:
        write_evaluation(
            made,
            opened,
            scored,
            scorer=scorer,
            contents=listing.content_of,
            data=data,
            results=table,
        )
    console().print(across(table))
    print(f"{opened.folder.path} on dataset={config['data']['name']}")
    print(target / REPORT)
    return 0


def _target(opened: OpenRun, config: Mapping[str, Any], listing: Listing) -> Path:
    """Return where the files go: the same folder each time for the same run and images."""
    if config["output"]:
        return Path(config["output"]).expanduser()
    name = f"{opened.folder.path.resolve().name}-on-{listing.digest[:8]}"
    return Path(config["paths"]["runs"]).expanduser() / "evaluations" / name


def _refuse_trained_images(opened: OpenRun, listing: Listing) -> None:
    """Raise `UserError` where the run has been trained on some of the images."""
    trained = opened.trained_contents
    known = sum(content[:DIGITS] in trained for content in listing.contents)
    if known:
        raise UserError(
            f"this run was trained on {known} of these {len(listing.contents)} images, whose "
            "scores would be too good; leave them out, or have them scored all the same with "
            "score_trained_images=true"
        )


def _read_by(opened: OpenRun, experience: Experience, wanted: str) -> Experience:
    """Return an experience as a head of the run reads it: the one asked for, of its name, alone."""
    heads = opened.method.heads
    if wanted and wanted not in heads:
        raise UserError(f"use_head: the run has no head '{wanted}'; {nearest(wanted, heads)}")
    name = wanted or (experience.name if experience.name in heads else "")
    name = name or (next(iter(heads)) if len(heads) == 1 else "")
    if not name:
        raise UserError(
            f"no head is named '{experience.name}'; choose one with use_head=... "
            f"(there are: {', '.join(heads)})"
        )
    return replace(experience, head=name, outputs=heads[name])
