"""What lies beside the code says the same as the code: hooks, workflows, container, citation."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from mlff_cli import __version__

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def checks():
    """Return what scripts/test runs as Python modules, apart from the tests."""
    found = re.findall(r"announced (.+)$", text("scripts/test"), flags=re.MULTILINE)
    return [command for command in found if not command.startswith("pytest")]


def steps(workflow):
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def test_the_hooks_are_the_checks():
    (local,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    entries = [hook["entry"] for hook in local["hooks"]]
    assert checks() == ["ruff format --check .", "ruff check .", "mypy"]
    assert entries == [
        *(f".venv/bin/python -m {check}" for check in checks()),
        "scripts/test fast",
    ]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_what_a_workflow_names_is_there(workflow):
    for step in steps(workflow):
        assert "uses" not in step or re.search(r"@(v\d+|release/v1)$", step["uses"])
        for path in re.findall(r"(?:scripts|tests)/\w+|[\w-]+\.txt", step.get("run", "")):
            assert (ROOT / path).exists(), path


def test_every_python_that_is_claimed_is_tried():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    claimed = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    jobs = yaml.safe_load(text(".github/workflows/tests.yml"))["jobs"]
    tried = jobs["tests"]["strategy"]["matrix"]["python"]
    assert set(claimed) <= set(tried)
    assert project["requires-python"] == f">={tried[0]}"


def test_the_container_runs_the_first_command_of_the_readme():
    lines = text("Containerfile").splitlines()
    (entry,) = (line for line in lines if line.startswith("ENTRYPOINT"))
    (words,) = (line for line in lines if line.startswith("CMD"))
    command = [*yaml.safe_load(entry.split(" ", 1)[1]), *yaml.safe_load(words.split(" ", 1)[1])]
    assert f"scripts/{shlex.join(command)}" in text("README.md")


def test_what_the_container_copies_is_there_and_is_not_ignored():
    kept = {line[1:] for line in text(".containerignore").splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (.+) \S+$", text("Containerfile"), flags=re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert {name.split("/")[0] for name in names} == kept
    assert all((ROOT / name).exists() for name in names)


def test_the_citation_is_of_this_version_and_the_changelog_tells_of_it():
    assert yaml.safe_load(text("CITATION.cff"))["version"] == __version__
    headings = re.findall(r"^## \[(.+?)\]", text("CHANGELOG.md"), flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert __version__ in headings
