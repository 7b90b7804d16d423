"""``mlff features``: list, verify and prune the store of features. Needs no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from mlff_cli.features.store.maintenance import SpaceSummary, list_spaces, prune_store, verify_store
from mlff_cli.features.store.spaces import FORMAT_VERSION
from mlff_cli.results.cells import Row
from mlff_cli.results.renderers.terminal import across, console
from mlff_cli.results.table import Column, Table

SHOWN_DIGITS = 8

KINDS = {
    "old_formats": "features of another format version",
    "temporary": "files left half-written",
    "duplicates": "rows stored more than once",
    # After the duplicates: merging sets aside what it finds damaged.
    "damaged": "damaged files",
}
"""Keys of what is pruned, in that order, and how it is called."""


COLUMNS = [
    *map(Column, ("space", "backbone", "type", "pooling", "created", "remarks")),
    Column("rows", "count"),
    Column("maps", "bytes"),
    Column("size", "bytes"),
]


def run(config: Mapping[str, Any]) -> int:
    """Carry out the action; return 1 when damage was found."""
    actions = {"list": _list, "verify": _verify, "prune": _prune}
    return actions[config["action"]](Path(config["paths"]["features"]).expanduser(), config)


def _list(folder: Path, config: Mapping[str, Any]) -> int:
    summaries = list_spaces(folder)
    if not summaries:
        print(f"{folder}: no features are stored here yet")
        return 0
    console().print(across(Table("", COLUMNS, [_row(summary) for summary in summaries])))
    print(f"{decimal(sum(summary.bytes for summary in summaries))} in all: {folder}")
    return 0


def _row(summary: SpaceSummary) -> Row:
    return {
        "space": summary.path.name[:SHOWN_DIGITS],
        "backbone": summary.description or "unknown",
        "type": summary.dtype,
        "pooling": _pooling(summary),
        "created": (summary.created or "")[:10],
        "remarks": _remarks(summary),
        "rows": summary.rows,
        "maps": summary.map_bytes,
        "size": summary.bytes,
    }


def _pooling(summary: SpaceSummary) -> str:
    names = [name.rpartition("/") for name in summary.inputs]
    levels = {level for level, _, _ in names}
    kinds = dict.fromkeys(kind for _, _, kind in names)
    return f"{', '.join(kinds)} of {len(levels)} levels" if names else ""


def _remarks(summary: SpaceSummary) -> str:
    remarks = []
    if summary.format not in (None, FORMAT_VERSION):
        remarks.append(f"format {summary.format}, not {FORMAT_VERSION}")
    if summary.damaged:
        remarks.append(f"{summary.damaged} damaged")
    if summary.temporary:
        remarks.append(f"{summary.temporary} half-written")
    return ", ".join(remarks)


def _verify(folder: Path, config: Mapping[str, Any]) -> int:
    from tqdm import tqdm

    with tqdm(desc="verifying", unit="B", unit_scale=True, disable=None) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        problems = verify_store(folder, advance)
    for problem in problems:
        lost = f" ({problem.rows:,} rows are computed again)" if problem.rows else ""
        print(f"damaged: {problem.path}: {problem.reason}{lost}")
    summaries = list_spaces(folder)
    rows = sum(summary.rows for summary in summaries)
    print(f"{folder}: {len(problems)} problems; {rows:,} rows are undamaged")
    if any(summary.damaged for summary in summaries):
        print("damaged files are set aside and never read; 'mlff features prune' deletes them")
    return int(bool(problems))


def _prune(folder: Path, config: Mapping[str, Any]) -> int:
    freed = 0
    if spaces := config["spaces"]:
        freed += _freed(f"spaces {', '.join(spaces)}", prune_store(folder, spaces=spaces))
    for key, words in KINDS.items():
        if config[key]:
            options: dict[str, Any] = {key: True}
            freed += _freed(words, prune_store(folder, **options))
    print(f"{decimal(freed)} freed in all: {folder}")
    return 0


def _freed(words: str, count: int) -> int:
    print(f"{words}: {decimal(count)} freed" if count else f"{words}: none")
    return count
