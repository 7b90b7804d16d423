"""docs/many_machines.md: its array and its job name every share."""

import re
from pathlib import Path

import yaml
from command_calls import call

from mlff_cli.features.shares import share_of

ROOT = Path(__file__).resolve().parents[1]
MANY = (ROOT / "docs" / "many_machines.md").read_text(encoding="utf-8")


def blocks(text, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def job():
    (text,) = blocks(MANY, "yaml")
    spec = yaml.safe_load(text)["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    return spec, [*container["command"], *container["args"]]


def test_every_share_that_is_named_is_one():
    named = re.findall(r"shard=([\d/]+)", MANY)
    assert named and all(share_of(word, 0, {}).count > 1 for word in named)


def test_the_command_of_the_job_can_be_given():
    result = call(*job()[1][1:], "--cfg", "job")
    assert result.code == 0, result.err


def test_the_job_has_as_many_completions_as_there_are_shares():
    spec, words = job()
    count = spec["completions"]
    assert spec["completionMode"] == "Indexed" and f"shards={count}" in words
    told = [share_of(None, count, {"JOB_COMPLETION_INDEX": str(i)}).number for i in range(count)]
    assert told == [*range(1, count + 1)]


def test_the_array_and_what_is_submitted_again_are_of_the_same_shares():
    first, last = re.search(r"--array=(\d+)-(\d+)", MANY).groups()
    assert first == "1" and f"shard=$SLURM_ARRAY_TASK_ID/{last}" in MANY
