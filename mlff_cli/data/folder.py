"""A user's own images, told apart by their folders: product/class/image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlff_cli.data.files import FileDataset, FileImage
from mlff_cli.data.left_out import tell_left_out
from mlff_cli.errors import UserError
from mlff_cli.images.decoding import SUFFIXES
from mlff_cli.tasks.record import Record

LAYOUT = "data.root/<product>/<class>/<image>, or data.root/<class>/<image> for one product"


@dataclass(kw_only=True)
class Folder(FileDataset):
    """Images in `root/<product>/<class>/`, or in `root/<class>/` when there is one product.

    Hidden names are ignored; a warning tells what else is left out.
    """

    def listed(self) -> list[Record]:
        """Return the images by product, class and name, in natural order."""
        root = self.folder(f"your images, laid out as {LAYOUT}")
        tops = self._subfolders(root, root)
        if not tops:
            images = len(self.images(root, root))
            raise UserError(
                f"data.root={self.root} holds {images} images but no folder; lay them out as "
                f"{LAYOUT}"
            )
        records = self._products(tops, root)
        used = [record.image.path for record in records if isinstance(record.image, FileImage)]
        tell_left_out(root, used, layout=LAYOUT)
        return records

    def _products(self, tops: Sequence[Path], root: Path) -> list[Record]:
        flat = [top for top in tops if any(path.is_file() for path in self.images(top, root))]
        deep = [top for top in tops if self._holds_classes(top, root, also_empty=top not in flat)]
        if flat and deep:
            raise UserError(
                f"data.root={self.root} mixes two layouts: {flat[0].name} holds images, "
                f"{deep[0].name} holds folders; choose {LAYOUT}"
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

    def _holds_classes(self, folder: Path, root: Path, *, also_empty: bool) -> bool:
        return any(
            also_empty or any(path.is_file() for path in self.images(inner, root))
            for inner in self._subfolders(folder, root)
        )

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
