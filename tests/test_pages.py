"""README, RESULTS and docs: every command in them can be given, every figure is a file's."""

import os
import re
import shlex
from pathlib import Path

import pytest
from command_calls import call
from page_commands import shown_lines

from mlff_cli.cli.table import COMMANDS
from mlff_cli.config.composition import compose_config
from mlff_cli.config.flags import parse
from mlff_cli.sweeps.plan import first_words

ROOT = Path(__file__).resolve().parents[1]
FILES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PAGES = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in FILES}

INLINE = re.compile(r"(?<!`)`((?:mlff|scripts/\w+)(?: [^`]*)?)`(?!`)")
WRAPPED = re.compile(r"--wrap '([^']*)'")
PLACEHOLDER = re.compile(r"<\w|\.\.\.")
"""In a sentence, what stands for something else; in a code block there is none."""


def commands(text):
    """Return the words of every command in code blocks and, where they are whole, in sentences."""
    lines = shown_lines(text)
    lines += [match for line in lines for match in WRAPPED.findall(line)]
    lines += [line for line in INLINE.findall(text) if not PLACEHOLDER.search(line)]
    found = []
    for line in lines:
        if re.match(r"(\$ )?(mlff|scripts/\w+)\b(?!/)", line):
            shown = line.removeprefix("$ ").replace("$SLURM_ARRAY_TASK_ID", "7")
            found.append(tuple(shlex.split(shown, comments=True)))
    return found


def tables(text):
    """Return the tables of a Markdown text, each as its lines."""
    blocks = re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE)
    return [block.strip().splitlines() for block in blocks]


MARKER = re.compile(
    r"<!-- from (runs/reference/[^\s:]+\.md)(?:: [^>]+)? -->\n(.*?)<!-- end -->", re.DOTALL
)
MARKED = [(path, shown) for text in PAGES.values() for path, shown in MARKER.findall(text)]
GIVEN = sorted(
    {words for text in PAGES.values() for words in commands(text) if "--config-dir" not in words}
)
"""All but those with files that the reader has written: see test_plug_in_docs.py."""


def test_the_readme_opens_with_the_two_commands():
    found = commands(PAGES["README.md"])
    assert ("scripts/mlff", "train", "task=surface_defect") in found
    assert ("scripts/test",) in found


def test_the_readme_is_short_enough_to_be_read():
    assert len(PAGES["README.md"].splitlines()) <= 150


def test_every_page_is_linked_from_another():
    for page in set(PAGES) - {"README.md"}:
        name = Path(page).name
        others = [text for other, text in PAGES.items() if other != page]
        assert any(f"{name})" in text or f"{name}#" in text for text in others), page


@pytest.mark.parametrize("words", GIVEN, ids=" ".join)
def test_a_command_of_the_pages_can_be_given(words, tmp_path, monkeypatch, example_package):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(example_package)
    program, *rest = words
    if program.startswith("scripts/"):
        assert os.access(ROOT / program, os.X_OK), f"{program} is no program"
    if program not in ("mlff", "scripts/mlff") or not rest:
        return
    plain = {name for name, command in COMMANDS.items() if command.config is None}
    asks = {"-h", "--help", "--version"} & set(rest) or rest[0] in plain
    keys = COMMANDS[rest[0]].keys_as_flags if rest[0] in COMMANDS else ()
    flags, others = (None, []) if asks else parse(rest[1:], keys)
    shown = rest if flags is None or flags.show else [*rest, "--cfg", "job"]
    result = call(*shown)
    assert result.code == 0, result.err
    assert asks or rest[0] in COMMANDS
    if rest[0] in ("train", "sweep"):
        # The run that another one goes on from is not there. The first run stands for all: to
        # compose every one of a table takes longer than all other commands together.
        own = first_words([word for word in others if not word.startswith("from=")])
        assert compose_config("train", own)


@pytest.mark.parametrize("page", PAGES)
def test_links_pictures_and_scripts_are_there(page):
    text, folder = PAGES[page], (ROOT / page).parent
    for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", text):
        assert (folder / link).exists(), link
    for path in re.findall(r"(?:runs/reference|scripts)/[\w./-]*\w", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES)
def test_anchors_are_headings(page):
    for file, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", PAGES[page]):
        there = (ROOT / page).parent / file if file else ROOT / page
        heads = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), flags=re.MULTILINE)
        words = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]
        assert anchor in words, f"{file}#{anchor}"


@pytest.mark.parametrize("page", PAGES)
def test_every_marker_of_a_table_is_read(page):
    text = PAGES[page]
    assert text.count("<!-- from ") == text.count("<!-- end -->") == len(MARKER.findall(text))


@pytest.mark.parametrize(("path", "shown"), MARKED, ids=[path for path, _ in MARKED])
def test_a_table_of_the_pages_is_the_files(path, shown):
    there = tables((ROOT / path).read_text(encoding="utf-8"))
    assert tables(shown)
    assert all(table in there for table in tables(shown))
