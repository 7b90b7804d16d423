"""``mlff adapt``: a candidate of a run for a new domain, from images without labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlff_cli.data.asked import One, asked_images
from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.images.given import given_image
from mlff_cli.results.cells import Row
from mlff_cli.results.changes import Key, Said, changed, changes_table
from mlff_cli.results.labels import plain
from mlff_cli.results.renderers.terminal import across, console
from mlff_cli.results.table import Column, Table
from mlff_cli.runs.adapting import (
    FEWEST,
    Drift,
    align,
    drifts,
    refuse_unaligned,
    sampled,
    training_images,
)
from mlff_cli.runs.answer import content_of, image_of
from mlff_cli.runs.candidate import Domain, candidate_folder, write_candidate
from mlff_cli.runs.deciding import DecisionSettings
from mlff_cli.runs.deployed import Deployed, of_run
from mlff_cli.runs.listing import PLACES, listing_of
from mlff_cli.runs.predicting import Predictor
from mlff_cli.runs.reopen import OpenRun, reopen
from mlff_cli.system.logs import logging_to
from mlff_cli.tasks.record import Record

OWN = "_own"
"""The choice of `dataset` that stands for the run's own images."""


def run(config: Mapping[str, Any]) -> int:
    """Write the candidate; say how far the images are, and what it would change."""
    if not config["words"]:
        raise UserError("mlff adapt needs a run and images: mlff adapt runs/<task>/<run> new/*.png")
    path, *words = config["words"]
    own = config["data"]["name"] == OWN
    moved = {key: config["data"][key] for key in PLACES} if own else {}
    with logging_to(None):
        opened = reopen(
            Path(path).expanduser(), trainer=config["trainer"], paths=config["paths"], data=moved
        )
        deployed = of_run(opened)
        product = deployed.product(config["product"])
        refuse_unaligned(opened.method, product.head)
        asked = _asked(words, config)
        domain = _domain(asked, product.head, deployed, config["way"])
        _refuse_trained(opened, domain)
        opened.refuse_other_images()
        trained = training_images(opened.method, product.head, opened.task.experiences)
        source = sampled(trained)
        found = drifts(opened.method, source, domain.images)
        # Asked before the head changes: the run itself, not a copy of it, is aligned.
        before = _said(deployed, product.name, config, asked)
        align(opened.method, product.head, source, domain.images, domain.way)
        folder = candidate_folder(opened, domain)
        write_candidate(opened, domain, folder)
        candidate = reopen(
            folder.path, trainer=config["trainer"], paths=config["paths"], data=moved
        )
        after = _said(of_run(candidate), product.name, config, asked)
    show = console().print
    show(across(_drift_table(found)))
    pairs = changed(before, after)
    names = (opened.folder.path.name, folder.path.name)
    show(across(changes_table(pairs, len(before), config["limit"], names)))
    if deployed.kind == "class":
        records = [record for e in trained for record in e.train]
        show(across(_shares_table(records, before, after)))
    for line in _remarks(found, config, opened.folder.path, folder.path):
        print(line)
    print(folder.path)
    return 0


def _asked(words: Sequence[str], config: Mapping[str, Any]) -> list[One]:
    """Return the images of the new domain, by words or of a data set; labels are not looked at."""
    data = config["data"]
    if words:
        if data["name"] != OWN:
            raise UserError("mlff adapt: give images as words or by dataset=, not both")
        return list(asked_images(words))
    if data["name"] == OWN:
        raise UserError(
            "mlff adapt needs images of the new domain: files, folders, patterns, a CSV file with "
            "a column path, or dataset=<choice>"
        )
    section = {"data": data, "paths": config["paths"], "features": {"store": False}, "from": None}
    return [_as_asked(record) for record in listing_of(section).records]


def _as_asked(record: Record) -> One:
    image = record.image
    if isinstance(image, FileImage) and image.box is None:
        return image.path
    return given_image(record.name, image.load())


def _domain(asked: Sequence[One], head: str, deployed: Deployed, way: str) -> Domain:
    if len(asked) < FEWEST:
        raise UserError(
            f"mlff adapt: {len(asked)} images say too little of a domain; give {FEWEST} or more"
        )
    images = [image_of(item, deployed.bits) for item in asked]
    return Domain(head, images, [content_of(image) for image in images], way)


def _refuse_trained(opened: OpenRun, domain: Domain) -> None:
    known = {content[:16] for content in opened.trained_contents}
    count = sum(content[:16] in known for content in domain.contents)
    if count:
        raise UserError(
            f"mlff adapt: this run was trained on {count} of these {len(domain.images)} images; "
            "give images of the new domain alone"
        )


def _said(
    deployed: Deployed, product: str, config: Mapping[str, Any], asked: Sequence[One]
) -> dict[Key, Said]:
    """Return what a run says of images."""
    predictor = Predictor(deployed, product, DecisionSettings.of_config(config))
    return {
        (product, answer.content or answer.path): Said(
            answer.path, product, answer.label or answer.problem, answer.decision
        )
        for answer in predictor.answers(asked)
    }


def _drift_table(found: Sequence[Drift]) -> Table:
    columns = [
        Column("level"), Column("drift", "number"), Column("floor", "number"), Column("drifted"),
    ]  # fmt: skip
    rows: list[Row] = [
        {
            "level": drift.level,
            "drift": drift.distance,
            "floor": drift.floor,
            "drifted": "yes" if drift.told else "no",
        }
        for drift in found
    ]
    notes = ["drift of means, in standard deviations of training images; floor: what as many of "
             "those, drawn at random, reach in 19 of 20 cases"]  # fmt: skip
    return Table("Drift by level", columns, rows, notes)


def _shares_table(
    records: Sequence[Record], before: Mapping[Key, Said], after: Mapping[Key, Said]
) -> Table:
    """Return the share of each class in training, and as it is predicted of the new images."""
    counts = [
        Counter(record.labels[0] for record in records),
        *(Counter(said.label for said in part.values()) for part in (before, after)),
    ]
    names = ("training", "before", "after")
    rows: list[Row] = [
        {"class": plain(label)}
        | {name: own[label] / own.total() for name, own in zip(names, counts, strict=True)}
        for label in dict.fromkeys(label for own in counts for label in own)
    ]
    columns = [Column("class"), *(Column(name, "fraction") for name in names)]
    return Table("Shares of classes, as predicted", columns, rows)


def _remarks(
    found: Sequence[Drift], config: Mapping[str, Any], run: Path, candidate: Path
) -> list[str]:
    lines = []
    if not any(drift.told for drift in found):
        lines.append("no level has drifted by more than chance: the run needs no adaptation")
    product = f" product={config['product']}" if config["product"] else ""
    return [
        *lines,
        "a candidate, never used by itself: alignment takes the classes to be as frequent here as "
        "in training, and errs where they are not; look at the shares above",
        "of its product nothing is called unknown, and its scores in the report are of the run's "
        "own old images",
        f"compare: mlff evaluate {candidate} dataset=<new images with labels>; the same of {run}",
        f"use: mlff predict {candidate} <images>{product}",
    ]
