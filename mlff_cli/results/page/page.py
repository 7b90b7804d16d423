"""A report's page as a whole: of one run, or of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from mlff_cli.results.class_table import INTERVALS, class_table, whole_table
from mlff_cli.results.experience_figures import Figure
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.operating_points import sentences as words_on_point
from mlff_cli.results.page import svg
from mlff_cli.results.page.gallery import WorstImage, gallery
from mlff_cli.results.page.markup import box, bullets, facts, more, section, text, wide
from mlff_cli.results.page.matrices import confusion, score_matrix
from mlff_cli.results.page.thresholds import Points, thresholds
from mlff_cli.results.page.verdict import headline
from mlff_cli.results.page.verdict import sentences as verdict
from mlff_cli.results.predictions import Predictions
from mlff_cli.results.renderers import html as as_html
from mlff_cli.results.table import Table

SHOWN_SKIPPED = 50
"""Images left out that are named."""


@dataclass(frozen=True)
class RunPage:
    """What the page of one run shows.

    Attributes:
        title: The task in words.
        lead: Method, backbone and date.
        results: The run's row of results, or the scores of an evaluation.
        matrix: Its score matrix; None of an evaluation.
        scored: Final predictions by experience.
        figures: Their figures, by experience.
        points: Operating points with what they are tried on.
        leaks: The verdict on the split in words; "" where it was not checked.
        leaking: Whether that is a warning.
        skipped: Images left out: name and problem.
        worst: The worst images.
        provenance: What it was made with and what proves it.
        config: The configuration, as YAML.
        tables: Further ones, a section each.
    """

    title: str
    lead: str
    results: Table
    matrix: ScoreMatrix | None
    scored: Sequence[Predictions]
    figures: Mapping[str, Sequence[Figure]]
    points: Points
    leaks: str
    leaking: bool
    skipped: Sequence[tuple[str, str]]
    worst: Sequence[WorstImage]
    provenance: Mapping[str, str]
    config: str
    tables: Sequence[Table] = ()


def run_page(run: RunPage) -> str:
    """Return the page of one run."""
    warnings = [run.leaks] if run.leaking else []
    if not run.scored:
        warnings.append("This run is of an older version, which kept no predictions of images.")
    said = [headline(run.matrix)] if run.matrix else []
    said += verdict(run.figures, run.points)
    said += [] if run.leaking or not run.leaks else [run.leaks]
    return _page(
        run.title,
        f'<p class="quiet">{text(run.lead)}</p>',
        box(said, "verdict"),
        box(warnings, "warning"),
        section("Results", *_results(run.results)),
        section("Scores after each training", *_matrices(run.matrix)),
        section("Good or defective", thresholds(run.points)),
        section("The worst images", gallery(run.worst)),
        section("Experience by experience", *_experiences(run)),
        *(section(table.title, *_results(table)) for table in run.tables),
        section("Images left out", bullets(_skipped(run.skipped))),
        section(
            "What it was made with",
            facts(run.provenance),
            more("configuration", f"<pre>{_lines(run.config)}</pre>"),
        ),
    )


def comparison_page(
    title: str, table: Table, remarks: Sequence[str], bars: Sequence[svg.Bar], caption: str
) -> str:
    """Return the page of several runs: their table, a plot of one figure, and remarks.

    Args:
        title: What was compared.
        table: A row for each group of runs.
        remarks: Lines on the splits and the like.
        bars: What is plotted.
        caption: What is plotted, in words.
    """
    plot = ""
    if bars:
        plot = f"<figure><figcaption>{text(caption)}</figcaption>{svg.bars(bars)}</figure>"
    return _page(
        title,
        section("Comparison", plot),
        section("Results", *_results(table)),
        section("Remarks", bullets(remarks)),
    )


def _experiences(run: RunPage) -> list[str]:
    """Return what there is on each experience: figures, operating point, confusion."""
    said = {point.experience: words_on_point(point, of) for point, of in run.points}
    parts = []
    for own in run.scored:
        figures = run.figures.get(own.experience, ())
        classes = class_table(figures)
        parts += [
            f"<h3>{text(own.experience)}</h3>",
            wide(as_html.render(whole_table(figures))),
            wide(as_html.render(classes)) if classes.rows else "",
            bullets(said.get(own.experience, ())),
            confusion(own),
        ]
    return [*parts, f'<p class="quiet">Shares in percent; {INTERVALS}.</p>'] if parts else []


def _matrices(matrix: ScoreMatrix | None) -> list[str]:
    return [score_matrix(matrix, metric) for metric in matrix.metrics] if matrix else []


def _results(table: Table) -> list[str]:
    """Return rows, a single one upright, and what their columns mean, to be opened."""
    plain = replace(table, title="", notes=[], legend="", columns=[
        replace(column, definition="") for column in table.columns
    ])  # fmt: skip
    rows = wide(as_html.render(plain))
    if len(table.rows) == 1:
        titles = [column.title for column in table.columns]
        rows = facts(dict(zip(titles, table.texts(table.rows[0]), strict=True)))
    meanings = bullets(table.definitions())
    return [rows, bullets(table.notes), more("what is what", meanings) if meanings else ""]


def _skipped(images: Sequence[tuple[str, str]]) -> list[str]:
    lines = [f"{name}: {problem}" for name, problem in images[:SHOWN_SKIPPED]]
    left = len(images) - SHOWN_SKIPPED
    return [*lines, f"and {left} more"] if left > 0 else lines


def _lines(content: str) -> str:
    return "\n".join(map(text_of_line, content.splitlines()))


def text_of_line(line: str) -> str:
    """Return a line as HTML, its indent kept."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + text(line)


def _page(title: str, *parts: str) -> str:
    """Return a page that stands for itself: style and script are in it."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>\n{_file('report.css')}</style>\n</head>\n<body>\n"
        f"<h1>{text(title)}</h1>\n{''.join(parts)}<script>\n{_file('report.js')}</script>\n"
        "</body>\n</html>\n"
    )


@cache
def _file(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
