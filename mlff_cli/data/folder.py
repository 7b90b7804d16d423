"""A user's own images, told apart by their folders: product/class/image."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlff_cli.data.files import SUFFIXES, FileDataset, FileImage
from mlff_cli.errors import SHOWN, UserError
from mlff_cli.tasks.record import Record

LAYOUT = "data.root/<product>/<class>/<image>, or data.root/<class>/<image> for one product"

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Folder(FileDataset):
    """Images in `root/<product>/<class>/`, or in `root/<class>/` when there is one product.

    Hidden names and files with other endings are ignored.
    """

    def listed(self) -> list[Record]:
        """Return the images by product, class and name, in natural order."""
        root = self.folder(f"your images, laid out as {LAYOUT}")
        entries = self.entries(root, root)
        tops = [Path(entry.path) for entry in entries if entry.is_dir()]
        strays = [entry.name for entry in entries if not entry.is_dir()]
        if not tops:
            images = sum(Path(name).suffix.lower() in SUFFIXES for name in strays)
            raise UserError(
                f"data.root={self.root} holds {images} images but no folder; lay them out as "
                f"{LAYOUT}"
            )
        if strays:
            more = ", ..." if len(strays) > SHOWN else ""
            log.warning(
                "%s: %d files beside the folders are ignored: %s%s",
                root,
                len(strays),
                ", ".join(strays[:SHOWN]),
                more,
            )
        flat = [top for top in tops if any(path.is_file() for path in self.images(top, root))]
        if flat and len(flat) < len(tops):
            deep = next(
                (top for top in tops if top not in flat and self._subfolders(top, root)), None
            )
            if deep is not None:
                raise UserError(
                    f"data.root={self.root} mixes two layouts: {flat[0].name} holds images, "
                    f"{deep.name} holds folders; choose {LAYOUT}"
                )
        if flat:
            return self._classes(tops, "", root)
        records: list[Record] = []
        for top in tops:
            classes = self._subfolders(top, root)
            if not classes:
                raise UserError(
                    f"{top}: product '{top.name}' has no images; add some as {LAYOUT}, or remove "
                    "the folder"
                )
            records += self._classes(classes, top.name, root)
        return records

    def _subfolders(self, folder: Path, root: Path) -> list[Path]:
        return [Path(entry.path) for entry in self.entries(folder, root) if entry.is_dir()]

    def _classes(self, folders: Sequence[Path], product: str, root: Path) -> list[Record]:
        return [
            Record(
                name=path.relative_to(root).as_posix(),
                image=FileImage(path),
                labels=(folder.name,),
                product=product,
            )
            for folder in folders
            for path in self._filled(folder, root)
        ]

    def _filled(self, folder: Path, root: Path) -> list[Path]:
        images = self.images(folder, root)
        if images:
            return images
        names = [entry.name for entry in self.entries(folder, root)]
        holds = f"it holds {names[0]}" if names else "it is empty"
        raise UserError(
            f"{folder}: class '{folder.name}' has no image ({', '.join(SUFFIXES)}), {holds}; add "
            "images or remove the folder"
        )
