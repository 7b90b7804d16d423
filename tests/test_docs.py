"""The pages in docs: the commands in them can be given, and the scripts name every share."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from command_calls import call

from mlff_cli.features.shares import share_of

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
MANY = (ROOT / "docs" / "many_machines.md").read_text(encoding="utf-8")


def blocks(text, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def commands(text):
    """Return the words of every mlff command in shell blocks, those that Slurm wraps among them."""
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    wrapped = [match[1] for line in lines if (match := re.search(r"--wrap '([^']*)'", line))]
    found = [line for line in [*lines, *wrapped] if line.startswith("mlff ")]
    return [shlex.split(line.replace("$SLURM_ARRAY_TASK_ID", "7"))[1:] for line in found]


def job():
    (text,) = blocks(MANY, "yaml")
    spec = yaml.safe_load(text)["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    return spec, [*container["command"], *container["args"]]


GIVEN = [words for page in PAGES for words in commands(page.read_text(encoding="utf-8"))]


def test_commands_are_found():
    assert len(GIVEN) >= 5 and ["train"] in [words[:1] for words in GIVEN]


@pytest.mark.parametrize("words", [*GIVEN, job()[1][1:]], ids=" ".join)
def test_a_command_of_the_pages_can_be_given(words):
    result = call(*words, "--cfg", "job")
    assert result.code == 0, result.err
    for word in words:
        if word.startswith("shard="):
            assert share_of(word.removeprefix("shard="), 0, {}).count > 1


def test_the_job_has_as_many_completions_as_there_are_shares():
    spec, words = job()
    count = spec["completions"]
    assert spec["completionMode"] == "Indexed" and f"shards={count}" in words
    told = [share_of(None, count, {"JOB_COMPLETION_INDEX": str(i)}).number for i in range(count)]
    assert told == [*range(1, count + 1)]


def test_the_array_and_what_is_submitted_again_are_of_the_same_shares():
    first, last = re.search(r"--array=(\d+)-(\d+)", MANY).groups()
    assert first == "1" and f"shard=$SLURM_ARRAY_TASK_ID/{last}" in MANY


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_the_pages_lead_to_files(page):
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link
    for script in re.findall(r"scripts/[\w.]+", page.read_text(encoding="utf-8")):
        assert (ROOT / script.rstrip(".")).exists(), script
