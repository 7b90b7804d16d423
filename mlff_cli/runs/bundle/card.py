"""The page for people in a bundle: what it answers, how well, and what it is made of."""

from mlff_cli.audit.verdict import sentence
from mlff_cli.metrics.registry import by_name
from mlff_cli.results.cells import Kind, Row, known_or_none
from mlff_cli.results.labels import markdown, plain
from mlff_cli.results.predictions import good_class
from mlff_cli.results.renderers import markdown as as_markdown
from mlff_cli.results.table import Column, Table
from mlff_cli.runs.building import build_scorer
from mlff_cli.runs.bundle.description import Description, ExperienceEntry
from mlff_cli.runs.page import title_of
from mlff_cli.runs.reopen import OpenRun

HALF = (
    "Weights are kept in half precision: scores differ from those of the run in the fourth digit, "
    "and an image that lies right at a threshold may be decided otherwise."
)
WHOLE = "Weights are kept as they were trained: scores are those of the run to the bit."


def card_text(description: Description, opened: OpenRun) -> str:
    """Return the page as Markdown."""
    record = opened.record
    lines = [
        f"# {markdown(title_of(opened.config) or description.run)}",
        "",
        f"`{description.run}`, packed by mlff: what a trained run needs to say what images show. "
        "It holds numbers and text, no code, no images, and no backbone: that one is built where "
        "the bundle is used, and has to have the fingerprint below.",
        "",
        "    mlff predict <this file> new/*.png product=<product>",
        "",
        "## What it answers",
        "",
        as_markdown.render(_answers(description, opened)),
        "Scores are of images that were not trained on. A threshold is the score of a defect from "
        "which an image is defective; it was chosen on validation images, of which so many "
        "defective ones escape it and so many good ones are rejected.",
        "",
        *([sentence(record.leaks) + ".", ""] if record.leaks else []),
        HALF if description.precision == "fp16" else WHOLE,
        "",
        "## How it decides where nothing else is asked for",
        "",
        as_markdown.render(_decisions(description)),
        "## What it is made of",
        "",
        as_markdown.render(_facts(description, opened)),
    ]
    return "\n".join(lines)


def _answers(description: Description, opened: OpenRun) -> Table:
    matrix = opened.folder.matrix()
    columns = [
        Column("product"),
        Column("answers"),
        Column("good"),
        *(Column(name, _kind(name)) for name in matrix.metrics),
        Column("threshold", "number"),
        Column("escaped"),
        Column("rejected"),
    ]
    rows = [_answer(description, entry, opened) for entry in description.experiences]
    return Table("", [c for c in columns if any(map(c.text, rows))], rows)


def _kind(metric: str) -> Kind:
    return "fraction" if by_name(metric).in_percent else "number"


def _answer(description: Description, entry: ExperienceEntry, opened: OpenRun) -> Row:
    """Return what is known of an experience."""
    outputs = description.outputs[entry.head]
    matrix = opened.folder.matrix()
    place = matrix.experiences.index(plain(entry.name)) + 1
    row: Row = {
        "product": entry.name,
        "answers": ", ".join(outputs),
        "good": good_class(description.good, outputs, build_scorer(opened.config, "test").kind),
    }
    for metric in matrix.metrics:
        row[metric] = known_or_none(matrix.score(metric, matrix.learned, place).value)
    point = next((p for p in description.points if p.experience == plain(entry.name)), None)
    if point is not None and point.threshold is not None:
        seen = point.chosen_on
        row |= {
            "threshold": point.threshold,
            "escaped": f"{seen.escaped} of {seen.defective}",
            "rejected": f"{seen.rejected} of {seen.good}",
        }
    return row


def _decisions(description: Description) -> Table:
    settings = description.settings
    said = {
        "threshold": "as above" if settings.threshold is None else f"{settings.threshold:g}",
        "unknown": f"the {settings.novelty:g} of images that are least like those of the run"
        if settings.novelty
        else "never",
        "review": f"where the classes that hold the right one of all but {settings.review:g} of "
        "images are not a single one"
        if settings.review
        else "where the class named is not the one that the image is like",
    }
    return _pairs(said)


def _facts(description: Description, opened: OpenRun) -> Table:
    record, config = opened.record, opened.config
    return _pairs(
        {
            "run": description.run,
            "task": config["task"]["name"],
            "method": config["method"]["name"],
            "fusion": f"{config['fusion']['name']}, "
            + ("one for all heads" if description.shared else "one for each head"),
            "head": config["head"]["name"],
            "backbone": description.backbone,
            "backbone's fingerprint": description.fingerprint,
            "image size": str(config["data"]["image_size"]),
            "precision": description.precision,
            "adapters.json of the run": description.adapters,
            "data of the run": record.data,
            "finished": record.finished,
        }
    )


def _pairs(said: dict[str, str]) -> Table:
    rows: list[Row] = [{"": name, "is": text} for name, text in said.items()]
    return Table("", [Column("", key=""), Column("is")], rows)
