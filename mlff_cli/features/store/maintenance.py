"""What the command `mlff features` does: list, verify and prune. Needs no torch."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlff_cli.errors import UserError
from mlff_cli.features.store.files import TEMPORARY_SUFFIX, delete, is_abandoned, size_of
from mlff_cli.features.store.merge import merge_shards
from mlff_cli.features.store.shard_header import SHARD_NAME, ShardDamageError
from mlff_cli.features.store.shards import DAMAGED_SUFFIX, Shard, set_aside
from mlff_cli.features.store.spaces import FORMAT_VERSION, SPACE_FILE, read_space, space_folders


@dataclass(frozen=True)
class SpaceSummary:
    """One feature space of a store; what its `space.json` does not tell is None or empty."""

    path: Path
    format: int | None
    description: str
    dtype: str | None
    created: str | None
    inputs: tuple[str, ...]  # "<level>/<pooling>"
    rows: int  # distinct
    shards: int
    bytes: int
    map_bytes: int  # of features that keep places
    damaged: int
    temporary: int


@dataclass(frozen=True)
class Problem:
    """A damaged file; `rows` were lost with it, if known."""

    path: Path
    reason: str
    rows: int | None = None


def list_spaces(folder: Path) -> list[SpaceSummary]:
    """Return a summary of each space in the store `folder`, in the order of their names.

    Reads headers and keys only, no rows: damage in them shows with `verify_store`.
    """
    return [_summary(path) for path in space_folders(folder)]


def verify_store(folder: Path, progress: Callable[[int, int], None] | None = None) -> list[Problem]:
    """Compare every byte with its checksum; damaged shards are set aside at once.

    `progress` is called with the bytes read and the bytes in all. Spaces of another format
    version are passed over.
    """
    paths = [path for path in space_folders(folder) if not _of_other_format(path)]
    problems = [
        Problem(path / SPACE_FILE, "missing or damaged; written again when features are added")
        for path in paths
        if read_space(path) is None
    ]
    shards = [shard for path in paths for shard in _shard_files(path)]
    sizes = [size_of(shard) for shard in shards]
    done = 0
    for path, size in zip(shards, sizes, strict=True):
        try:
            shard = Shard.open(path)
            shard.verify(shard.blocks)
        except ShardDamageError as damage:
            set_aside(path)
            problems.append(Problem(path, damage.reason, damage.rows))
        except FileNotFoundError:
            pass  # merged or deleted by another process since the listing
        except UserError as error:
            problems.append(Problem(path, str(error)))
        done += size
        if progress is not None:
            progress(done, sum(sizes))
    return problems


def prune_store(
    folder: Path,
    *,
    damaged: bool = False,
    temporary: bool = False,
    old_formats: bool = False,
    spaces: Sequence[str] = (),
    duplicates: bool = False,
) -> int:
    """Delete what is named and return the bytes freed.

    Args:
        folder: The store.
        damaged: Shards that were set aside.
        temporary: Files that dead processes left half-written.
        old_formats: Spaces of another format version.
        spaces: Names of spaces to delete, or their beginnings.
        duplicates: Rows stored more than once; small shards are merged on the way.

    Raises:
        UserError: `spaces` fits no space, or several; a file cannot be deleted.
    """
    paths = space_folders(folder)
    doomed = {_named(beginning, paths, folder) for beginning in spaces}
    if old_formats:
        doomed.update(path for path in paths if _of_other_format(path))
    freed = sum(_delete_space(path) for path in doomed)
    for path in paths:
        if path in doomed:
            continue
        for file in sorted(path.iterdir()):
            set_aside_before = damaged and file.name.endswith(DAMAGED_SUFFIX)
            left_over = temporary and file.suffix == TEMPORARY_SUFFIX and is_abandoned(file)
            if set_aside_before or left_over:
                freed += delete(file)
        if duplicates and not _of_other_format(path):
            freed += merge_shards(path)
    return freed


def _summary(path: Path) -> SpaceSummary:
    content = read_space(path) or {}
    names = [file.name for file in path.iterdir()]
    shards, unreadable = [], 0
    if content.get("format", FORMAT_VERSION) == FORMAT_VERSION:
        for file in _shard_files(path):
            try:
                shards.append(Shard.open(file))
            except ShardDamageError:
                unreadable += 1
            except FileNotFoundError:
                pass
    keys = [shard.keys.view("V16").ravel() for shard in shards]
    return SpaceSummary(
        path=path,
        format=content.get("format"),
        description=str(content.get("description", "")),
        dtype=content.get("dtype"),
        created=content.get("created"),
        inputs=tuple(sorted({name for shard in shards for name in shard.blocks})),
        rows=len(np.unique(np.concatenate(keys))) if keys else 0,
        shards=len(shards),
        bytes=sum(size_of(path / name) for name in names),
        map_bytes=sum(shard.map_bytes for shard in shards),
        damaged=unreadable + sum(name.endswith(DAMAGED_SUFFIX) for name in names),
        temporary=sum(name.endswith(TEMPORARY_SUFFIX) for name in names),
    )


def _shard_files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if SHARD_NAME.fullmatch(file.name))


def _of_other_format(path: Path) -> bool:
    content = read_space(path)
    return content is not None and content["format"] != FORMAT_VERSION


def _named(beginning: str, paths: Sequence[Path], folder: Path) -> Path:
    fitting = [path for path in paths if path.name.startswith(beginning)]
    if len(fitting) != 1:
        raise UserError(
            f"{folder}: '{beginning}' must be the beginning of exactly one space's name; there "
            f"are: {', '.join(path.name for path in paths) or '(none)'}"
        )
    return fitting[0]


def _delete_space(path: Path) -> int:
    # The description goes last: of a space deleted by half it is still known what it was.
    files = [file for file in path.iterdir() if file.is_file()]
    freed = sum(delete(file) for file in sorted(files, key=lambda file: file.name == SPACE_FILE))
    with suppress(OSError):
        path.rmdir()
    return freed
