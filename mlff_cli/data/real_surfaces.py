"""Three real products in turn: steel strip, magnetic tiles, solar cells."""

from dataclasses import dataclass, field, replace

from mlff_cli.data.elpv import Elpv
from mlff_cli.data.files import FileDataset
from mlff_cli.data.magnetic_tile import MagneticTile
from mlff_cli.data.neu_cls import NeuCls
from mlff_cli.tasks.record import Record


@dataclass(kw_only=True)
class RealSurfaces(FileDataset):
    """Products `steel` (NEU-CLS), `magnetic_tile` and `solar_cell` (ELPV, two classes).

    Attributes:
        root: The folder that holds `neu_cls` and `magnetic_tile`; the solar cells come with the
            package elpv-dataset.
        labelling: Of the tiles, as in `magnetic_tile`.
    """

    good: str | list[str] = field(default_factory=lambda: ["good", "free", "functional"])
    labelling: str = "defects"

    def listed(self) -> list[Record]:
        """Return the records of the three sets, one after another."""
        self.folder("neu_cls/IMAGES and magnetic_tile/MT_Free, ...")
        outside = self.allow_outside_root
        products: dict[str, FileDataset] = {
            "steel": NeuCls(root=self.root, allow_outside_root=outside),
            "magnetic_tile": MagneticTile(
                root=self.root, labelling=self.labelling, allow_outside_root=outside
            ),
            "solar_cell": Elpv(allow_outside_root=outside),
        }
        return [
            replace(record, name=f"{product}/{record.name}", product=product)
            for product, dataset in products.items()
            for record in dataset.listed()
        ]
