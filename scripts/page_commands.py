"""The calls of mlff that README, RESULTS and docs/ show in their code blocks."""

import re
from pathlib import Path

SHELL = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"(?:\$ )?((?:scripts/)?mlff .*?)(?:\s+#.*)?")
RUN = re.compile(r"runs/(\w+)/mlff-([0-9a-f]{8})")

LAST = "5678cdef"
"""The made-up hash of the run that a page has made last; others are of its first."""


def shown_lines(text: str) -> list[str]:
    """Return the lines of a page's code blocks, each command whole on one."""
    blocks = [re.sub(r"\s*\\\n\s*", " ", block) for block in SHELL.findall(text)]
    return [line for block in blocks for line in block.splitlines()]


def commands_of(text: str) -> list[str]:
    """Return the calls of mlff in a page's code blocks, without their comments."""
    return [found[1] for found in map(CALL.fullmatch, shown_lines(text)) if found]


def with_runs(command: str, folder: Path) -> str:
    """Put finished runs of `folder` in the place of the made-up ones: the first, or the last."""

    def made(match: re.Match[str]) -> str:
        ends = sorted(
            (folder / "runs" / match[1]).glob("*/DONE"), key=lambda file: file.stat().st_mtime
        )
        chosen = ends[-1 if match[2] == LAST else 0].parent
        return f"runs/{match[1]}/{chosen.name}"

    return RUN.sub(made, command)


def tasks_of_runs(command: str) -> list[str]:
    """Return the tasks whose runs a command asks for."""
    return [match[1] for match in RUN.finditer(command)]
