"""What lies in a folder of images and is no image of the data set: told, in a line or two."""

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from mlff_cli.errors import SHOWN
from mlff_cli.images.decoding import SUFFIXES, UNSUPPORTED

log = logging.getLogger(__name__)


def tell_left_out(
    root: Path, used: Collection[Path], *, masks: Collection[Path], layout: str
) -> None:
    """Warn of the files below `root` that are none of those used; hidden names do not count.

    Images are named, since they may have been meant; other files are counted by their endings, and
    so are those in folders of masks.
    """
    taken = {str(path) for path in used}
    left = [path for path in _files(root) if str(path) not in taken]
    drawn = {path for path in left if any(path.is_relative_to(folder) for folder in masks)}
    left = [path for path in left if path not in drawn]
    if drawn:
        log.info("%d masks in the folders %s are no images", len(drawn), _named(masks, root))
    images = [path for path in left if path.suffix.lower() in {*SUFFIXES, *UNSUPPORTED}]
    others = [path for path in left if path.suffix.lower() not in {*SUFFIXES, *UNSUPPORTED}]
    if images:
        log.warning(
            "%s: %d images lie elsewhere than in the folder of a class and are left out: %s; "
            "expected: %s",
            root,
            len(images),
            _named(images, root),
            layout,
        )
    if others:
        kinds = Counter(path.suffix.lower() or "without an ending" for path in others)
        counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(SHOWN))
        log.warning(
            "%s: %d files that are no images are left out (%s): %s",
            root,
            len(others),
            counted,
            _named(others, root),
        )


def _files(folder: Path) -> Iterator[Path]:
    for home, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(home, name) for name in sorted(files) if not name.startswith("."))


def _named(paths: Collection[Path], root: Path) -> str:
    shown = ", ".join(path.relative_to(root).as_posix() for path in list(paths)[:SHOWN])
    return shown + (", ..." if len(paths) > SHOWN else "")
