import pytest
from PIL import Image

from mlff_cli.data.neu_cls import NeuCls
from mlff_cli.errors import UserError


def lay_out(folder, names):
    folder.mkdir(parents=True)
    for name in names:
        Image.new("L", (16, 16)).save(folder / name)


NAMES = ["scratches_10.jpg", "scratches_9.jpg", "rolled-in_scale_1.jpg", "pitted_surface_2.bmp"]


@pytest.mark.parametrize("parent", ["", "neu_cls"])
def test_classes_come_from_the_names(tmp_path, parent):
    lay_out(tmp_path / parent / "IMAGES", NAMES)
    records = NeuCls(root=str(tmp_path)).records()
    assert [(r.name, r.labels[0]) for r in records] == [
        ("pitted_surface_2.bmp", "pitted_surface"),
        ("rolled-in_scale_1.jpg", "rolled-in_scale"),
        ("scratches_9.jpg", "scratches"),
        ("scratches_10.jpg", "scratches"),
    ]
    assert {r.product for r in records} == {"steel"}


@pytest.mark.parametrize("stray", ["photo.jpg", "crazing_a.jpg", "_1.jpg"])
def test_a_strange_name_is_told(tmp_path, stray):
    lay_out(tmp_path / "IMAGES", [*NAMES, stray])
    with pytest.raises(UserError, match=rf"{stray}: expected a name like"):
        NeuCls(root=str(tmp_path)).records()


def test_a_wrong_root_and_an_empty_folder(tmp_path):
    with pytest.raises(UserError, match="neither IMAGES nor neu_cls/IMAGES"):
        NeuCls(root=str(tmp_path)).records()
    (tmp_path / "IMAGES").mkdir()
    with pytest.raises(UserError, match="holds no image"):
        NeuCls(root=str(tmp_path)).records()


def test_a_link_that_leaves_the_root_is_refused_unless_allowed(tmp_path):
    lay_out(tmp_path / "elsewhere", NAMES)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "IMAGES").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="allow_outside_root=true"):
        NeuCls(root=str(tmp_path / "root")).records()
    admitted = NeuCls(root=str(tmp_path / "root"), allow_outside_root=True)
    assert len(admitted.records()) == len(NAMES)
