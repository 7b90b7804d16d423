from itertools import groupby
from types import SimpleNamespace

import pytest
from PIL import Image

from mlff_cli.data import elpv
from mlff_cli.data.magnetic_tile import CLASSES
from mlff_cli.data.real_surfaces import RealSurfaces
from mlff_cli.errors import UserError


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Lay out three tiny sets; the solar cells as an installed package."""
    package = tmp_path / "site" / "elpv_dataset"
    cells = package / "data" / "images"
    cells.mkdir(parents=True)
    lines = [f"images/{i}.png {i / 3} {'mono' if i < 2 else 'poly'}\n" for i in range(4)]
    (package / "data" / "labels.csv").write_text("".join(lines))
    for i in range(4):
        Image.new("L", (16, 16)).save(cells / f"{i}.png")
    found = SimpleNamespace(submodule_search_locations=[str(package)])
    monkeypatch.setattr(elpv, "find_spec", {"elpv_dataset": found}.get)
    root = tmp_path / "sets"
    steel = root / "neu_cls" / "IMAGES"
    steel.mkdir(parents=True)
    for i in range(3):
        Image.new("L", (16, 16)).save(steel / f"crazing_{i}.jpg")
    for name in CLASSES:
        folder = root / "magnetic_tile" / f"MT_{name.capitalize()}" / "Imgs"
        folder.mkdir(parents=True)
        Image.new("L", (16, 16)).save(folder / "exp1_num_1.jpg")
    return root


def test_three_products_in_turn(root):
    records = RealSurfaces(root=str(root), labelling="good_defect").records()
    assert [product for product, _ in groupby(records, key=lambda r: r.product)] == [
        "steel",
        "magnetic_tile",
        "solar_cell",
    ]
    assert len({r.name for r in records}) == len(records) == 3 + 6 + 4
    labels = {r.labels[0] for r in records if r.product != "steel"}
    assert labels == {"good", "defect", "functional", "defective"}


def test_bad_images_of_any_of_them_are_left_out(root):
    (root / "neu_cls" / "IMAGES" / "crazing_1.jpg").write_bytes(b"")
    dataset = RealSurfaces(root=str(root), on_bad_image="skip", bad_image_limit=0.1)
    assert len(dataset.records()) == 2 + 6 + 4
    assert dataset.skipped == [("steel/crazing_1.jpg", "is empty (0 bytes)")]


def test_the_root_is_asked_for():
    with pytest.raises(UserError, match=r"set data\.root=<folder>.*neu_cls.*magnetic_tile"):
        RealSurfaces().records()
