"""The README: every command in it can be given, every figure in it is a file's."""

import os
import re
import shlex
from pathlib import Path

import pytest
from command_calls import call

from mlff_cli.cli.table import COMMANDS
from mlff_cli.config.flags import parse
from mlff_cli.sweeps.plan import plan

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

FENCED = re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
INLINE = re.findall(r"(?<!`)`((?:mlff|scripts/\w+)(?: [^`]*)?)`(?!`)", README)
PLACEHOLDER = re.compile(r"<\w|\.\.\.")
"""In a sentence, what stands for something else; in a code block there is none."""


def commands():
    """Return the words of every command in code blocks and, where they are whole, in sentences."""
    lines = [line for block in FENCED for line in block.replace("\\\n", " ").splitlines()]
    lines += [line for line in INLINE if not PLACEHOLDER.search(line)]
    found = []
    for line in lines:
        if re.match(r"(\$ )?(mlff|scripts/\w+)\b(?!/)", line):
            words = shlex.split(line.removeprefix("$ "), comments=True)
            found.append(tuple(words))
    return sorted(set(found))


def tables(text):
    """Return the tables of a Markdown text, each as its lines."""
    blocks = re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE)
    return [block.strip().splitlines() for block in blocks]


MARKED = re.findall(
    r"<!-- from (runs/reference/[^\s:]+\.md)(?:: [^>]+)? -->\n(.*?)<!-- end -->",
    README,
    flags=re.DOTALL,
)


def test_the_readme_opens_with_the_two_commands():
    found = commands()
    assert ("scripts/mlff", "train", "task=surface_defect") in found
    assert ("scripts/test",) in found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_the_readme_can_be_given(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
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
        # The run that another one goes on from is not there.
        assert plan([word for word in others if not word.startswith("from=")]).runs


@pytest.mark.parametrize("path", sorted(set(re.findall(r"runs/reference/[\w./-]*\w", README))))
def test_what_the_readme_shows_of_the_reference_runs_is_there(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\((?!https?:|#)([^)#]+)", README))))
def test_links_and_pictures_lead_to_files(path):
    assert (ROOT / path).exists()


def test_every_marker_of_a_table_is_read():
    assert README.count("<!-- from ") == README.count("<!-- end -->") == len(MARKED)


@pytest.mark.parametrize(("path", "shown"), MARKED, ids=[path for path, _ in MARKED])
def test_a_table_of_the_readme_is_the_files(path, shown):
    there = tables((ROOT / path).read_text(encoding="utf-8"))
    assert tables(shown)
    assert all(table in there for table in tables(shown))
