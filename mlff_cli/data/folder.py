"""A user's own images, told apart by their folders: product/class/image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlff_cli.config.modalities import PLAIN
from mlff_cli.data.files import FileImage, files_of, natural, one_of
from mlff_cli.data.left_out import tell_left_out
from mlff_cli.data.modalities import MultimodalDataset, by_part, joined
from mlff_cli.data.split_folders import settled, split_folders
from mlff_cli.errors import UserError
from mlff_cli.images.decoding import SUFFIXES
from mlff_cli.tasks.record import Record

LAYOUT = "data.root/<product>/<class>/<image>, or data.root/<class>/<image> for one product"


@dataclass(kw_only=True)
class Folder(MultimodalDataset):
    """Images in `root/<product>/<class>/`, or in `root/<class>/` when there is one product.

    At the top, or in a product, there may be folders of splits before that: `train/`, `val/`
    (`valid/`, `validation/`) and `test/`. So MVTec AD is read as it comes: `<product>/train/good/`,
    `<product>/test/<defect>/`; its masks in `<product>/ground_truth/` are no images. Hidden names
    are ignored; a warning tells what else is left out. With `modalities` the files `x.png` and
    `x_thermal.png` are images of one part.

    Attributes:
        folder_splits: `use` them, `ignore` them and draw splits from all images, or `auto`: they
            are used unless a class would be scored and never trained.
    """

    folder_splits: str = "auto"
    _masks: list[Path] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.modalities == [PLAIN]:
            raise UserError(
                f"data.modalities=[{PLAIN}]: files of other images are told by the ends of their "
                "names; name these as well, or leave the key away where there are none"
            )
        one_of("data.folder_splits", self.folder_splits, ("auto", "use", "ignore"))

    def listed(self) -> list[Record]:
        """Return the images by product, class and name, in natural order."""
        root = self.folder(f"your images, laid out as {LAYOUT}")
        self._masks = []
        records = self._split_or_not(root, root)
        products = {record.product for record in records}
        if "" in products and len(products) > 1:
            raise UserError(
                f"data.root={self.root} mixes two layouts: one split holds classes, another "
                f"products ({max(products)}); choose {LAYOUT}"
            )
        used = [path for record in records for path in files_of(record.image)]
        tell_left_out(root, used, masks=self._masks, layout=LAYOUT)
        return settled(records, self.folder_splits)

    def _split_or_not(self, folder: Path, root: Path) -> list[Record]:
        """Return the images of the top folder, which may hold splits first of all."""
        tops = self._folders_in(folder, root)
        parts = self._splits(tops)
        if not parts:
            return self._products(tops, root)
        records = [
            record
            for part, split in parts.items()
            for record in self._products(self._folders_in(part, root), root, split)
        ]
        return sorted(records, key=_by_product_and_class)

    def _folders_in(self, folder: Path, root: Path) -> list[Path]:
        folders = self._subfolders(folder, root)
        if folders:
            return folders
        images = len(self.images(folder, root))
        where = f"data.root={self.root}" if folder == root else str(folder)
        raise UserError(f"{where} holds {images} images but no folder; lay them out as {LAYOUT}")

    def _splits(self, folders: Sequence[Path]) -> dict[Path, str]:
        """Return the split of each folder where these are splits, and remember what masks are."""
        parts = split_folders(folders)
        self._masks += [folder for folder in folders if parts and folder not in parts]
        return parts

    def _products(self, tops: Sequence[Path], root: Path, split: str = "") -> list[Record]:
        flat = [top for top in tops if any(path.is_file() for path in self.images(top, root))]
        deep = [top for top in tops if self._holds_classes(top, root, also_empty=top not in flat)]
        if flat and deep:
            raise UserError(
                f"data.root={self.root} mixes two layouts: {flat[0].name} holds images, "
                f"{deep[0].name} holds folders; choose {LAYOUT}"
            )
        if flat:
            return self._classes(tops, "", root, split)
        records: list[Record] = []
        for top in tops:
            classes = self._subfolders(top, root)
            if not classes:
                raise UserError(
                    f"{top}: product '{top.name}' has no images; add some as {LAYOUT}, or remove "
                    "the folder"
                )
            records += self._product(classes, top.name, root, split)
        return records

    def _product(
        self, folders: Sequence[Path], product: str, root: Path, split: str
    ) -> list[Record]:
        parts = {} if split else self._splits(folders)
        if not parts:
            return self._classes(folders, product, root, split)
        records = [
            record
            for part, own in parts.items()
            for record in self._classes(self._folders_in(part, root), product, root, own)
        ]
        return sorted(records, key=_by_product_and_class)

    def _holds_classes(self, folder: Path, root: Path, *, also_empty: bool) -> bool:
        return any(
            also_empty or any(path.is_file() for path in self.images(inner, root))
            for inner in self._subfolders(folder, root)
        )

    def _subfolders(self, folder: Path, root: Path) -> list[Path]:
        return [Path(entry.path) for entry in self.entries(folder, root) if entry.is_dir()]

    def _classes(
        self, folders: Sequence[Path], product: str, root: Path, split: str
    ) -> list[Record]:
        modalities = self.modalities or [PLAIN]
        return [
            Record(
                name=name.relative_to(root).as_posix(),
                image=joined({key: FileImage(path) for key, path in paths.items()}, modalities),
                labels=(folder.name,),
                product=product,
                split=split,
            )
            for folder in folders
            for name, paths in self._parts(self._filled(folder, root), modalities)
        ]

    def _parts(
        self, paths: Sequence[Path], modalities: Sequence[str]
    ) -> Iterator[tuple[Path, dict[str, Path]]]:
        """Yield what names a part, and its files of the modalities asked for."""
        if not self.modalities:
            yield from ((path, {PLAIN: path}) for path in paths)
            return
        for own in by_part(paths, modalities).values():
            wanted = {name: own[name] for name in modalities if name in own}
            if wanted:
                # The same name, and so the same split, whichever modalities are asked for.
                yield own.get(PLAIN) or next(iter(wanted.values())), wanted

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


def _by_product_and_class(record: Record) -> tuple[object, object]:
    return natural(record.product), natural(record.labels[0])
