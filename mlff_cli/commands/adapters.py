"""``mlff adapters``: what a run learned, product by product."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlff_cli.errors import UserError, nearest
from mlff_cli.results.changes import Key, Said, changed, changes_table, said_of
from mlff_cli.results.renderers.terminal import across, console
from mlff_cli.runs.adapter_list import Adapter, adapters_of, adapters_table, differences
from mlff_cli.runs.folder import RunFolder
from mlff_cli.system.logs import logging_to


def run(config: Mapping[str, Any]) -> int:
    """Carry out the action; return 1 where diff finds that a decision changes."""
    actions = {"list": _list, "remove": _remove, "diff": _diff}
    if not config["words"]:
        raise UserError("mlff adapters needs list, remove or diff, and the folder of a run")
    action, *words = config["words"]
    if action not in actions:
        raise UserError(f"mlff adapters: there is no action '{action}'; {nearest(action, actions)}")
    return actions[action](words, config)


def _list(words: Sequence[str], config: Mapping[str, Any]) -> int:
    (path,) = _paths(words, "list", 1)
    console().print(across(adapters_table(_adapters(path))))
    print(path)
    return 0


def _remove(words: Sequence[str], config: Mapping[str, Any]) -> int:
    (path,) = _paths(words, "remove", 1)
    if config["product"] is None:
        raise UserError("mlff adapters remove needs product=<name>: what is taken out")
    from mlff_cli.runs.removal import removed
    from mlff_cli.runs.reopen import reopen

    with logging_to(None):
        opened = reopen(path, trainer=config["trainer"], paths=config["paths"])
        print(removed(opened, config["product"]).path)
    return 0


def _diff(words: Sequence[str], config: Mapping[str, Any]) -> int:
    before, after = _paths(words[:2], "diff", 2)
    for line in differences(_adapters(before), _adapters(after)):
        print(line)
    answer = _answered if words[2:] else _recorded
    old, new = (answer(path, words[2:], config) for path in (before, after))
    pairs = changed(old, new)
    compared = len(old.keys() & new.keys())
    table = changes_table(pairs, compared, config["limit"], (before.name, after.name))
    console().print(across(table))
    return int(bool(pairs))


def _adapters(path: Path) -> list[Adapter]:
    folder = RunFolder(path)
    folder.config()  # says so where this is no run
    return adapters_of(folder)


def _recorded(path: Path, words: Sequence[str], config: Mapping[str, Any]) -> dict[Key, Said]:
    """Return what a run said of the images that it was scored on."""
    from mlff_cli.runs.final_scores import ALL_TOGETHER, final_scores

    folder = RunFolder(path)
    record = folder.record()
    final = final_scores(folder, folder.config(), record, folder.matrix())
    parts = [part for part in final.scored if part.experience != ALL_TOGETHER]
    return said_of(parts, {point.experience: point for point in record.points})


def _answered(path: Path, words: Sequence[str], config: Mapping[str, Any]) -> dict[Key, Said]:
    """Return what a run says of images."""
    from mlff_cli.data.asked import asked
    from mlff_cli.runs.opening import predictor_of

    with logging_to(None):
        predictor = predictor_of(path, config, look=False)
        answers = predictor.answers(asked(words, predictor.modalities))
        return {
            (answer.product, answer.content or answer.path): Said(
                answer.path, answer.product, answer.label or answer.problem, answer.decision
            )
            for answer in answers
        }


def _paths(words: Sequence[str], action: str, count: int) -> list[Path]:
    if len(words) != count:
        folders = "a run folder" if count == 1 else f"{count} run folders"
        raise UserError(f"mlff adapters {action} takes {folders}, not {len(words)}")
    return [Path(word).expanduser() for word in words]
