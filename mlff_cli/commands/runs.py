"""``mlff runs``: the runs there are, newest first. Needs no torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlff_cli.errors import UserError, nearest
from mlff_cli.results.renderers.terminal import across_or_listed, console
from mlff_cli.runs.finding import all_runs
from mlff_cli.runs.overview import STATES, Overview, having, overview, scored, table


def run(config: Mapping[str, Any]) -> int:
    """Print a line for each run that has all the words, or say that there is none."""
    folder = Path(config["paths"]["runs"]).expanduser()
    found = [overview(run) for run in all_runs([folder])] if folder.is_dir() else []
    if not found:
        print(f"{folder}: no run is here yet; mlff train makes one, paths.runs=... looks elsewhere")
        return 0
    chosen = _chosen(found, config["words"])
    if not chosen:
        print(f"{folder}: none of {len(found)} runs has all of: {', '.join(config['words'])}")
        return 0
    shown = [scored(run) for run in chosen[: config["limit"] or None]]
    console().print(across_or_listed(table(shown, folder)))
    if hidden := len(chosen) - len(shown):
        print(f"{hidden} more; limit=0 shows all")
    print(folder)
    return 0


def _chosen(found: Sequence[Overview], words: Sequence[str]) -> list[Overview]:
    """Return the runs that have all words, newest first."""
    chosen = sorted(found, key=lambda run: run.date, reverse=True)
    for word in words:
        having_it = having(found, word)
        if not having_it and not any(word in state for state in STATES):
            raise UserError(_unknown(found, word))
        chosen = [run for run in chosen if run in having_it]
    return chosen


def _unknown(found: Sequence[Overview], word: str) -> str:
    if Path(word).expanduser().is_dir():
        return f"words: no run is called '{word}'; for the runs in a folder: paths.runs={word}"
    names = {name for run in found for name in (run.task, run.method)}
    return f"words: no run has '{word}'; {nearest(word, names)}"
