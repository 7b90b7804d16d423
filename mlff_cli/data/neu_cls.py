"""NEU-CLS: six kinds of defects on hot-rolled steel strip, from a folder.

K. Song and Y. Yan, Northeastern University surface defect database (2013).
"""

from dataclasses import dataclass

from mlff_cli.data.files import FileDataset, FileImage
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import Record


@dataclass(kw_only=True)
class NeuCls(FileDataset):
    """Images named `<class>_<number>.jpg`; one product, `steel`.

    Attributes:
        root: The folder that holds `IMAGES`, or one that holds `neu_cls/IMAGES`.
    """

    def listed(self) -> list[Record]:
        """Return the images, class by class, by number."""
        root = self.folder("IMAGES of NEU-CLS")
        folders = [root / "IMAGES", root / "neu_cls" / "IMAGES"]
        folder = next((folder for folder in folders if folder.is_dir()), None)
        if folder is None:
            raise UserError(
                f"data.root={self.root} holds neither IMAGES nor neu_cls/IMAGES; give the folder "
                "of NEU-CLS as its authors lay it out"
            )
        self.check_inside(folder, root)
        records = []
        for path in self.images(folder, root):
            label, _, number = path.stem.rpartition("_")
            if not label or not number.isdecimal():
                raise UserError(
                    f"{path}: expected a name like crazing_1.jpg, <class>_<number>; rename it or "
                    "take it out of the folder"
                )
            records.append(
                Record(name=path.name, image=FileImage(path), labels=(label,), product="steel")
            )
        if not records:
            raise UserError(f"{folder}: holds no image; expected names like crazing_1.jpg")
        return records
