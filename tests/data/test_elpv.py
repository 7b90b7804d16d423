from importlib.util import find_spec

import pytest
from PIL import Image

from mlff_cli.data import elpv
from mlff_cli.data.elpv import Elpv
from mlff_cli.errors import UserError


def lay_out(folder, runs):
    """Write labels.csv with (product, probabilities) one after another, and the images."""
    (folder / "images").mkdir()
    lines = []
    for product, probabilities in runs:
        for probability in probabilities:
            name = f"images/cell{len(lines) + 1:04d}.png"
            Image.new("L", (16, 16)).save(folder / name)
            lines.append(f"{name}  {probability}                {product}\n")
    (folder / "labels.csv").write_text("".join(lines))


PROBABILITIES = [0.0, 0.3333333333333333, 0.6666666666666666, 1.0]


def test_two_classes_and_products(tmp_path):
    lay_out(tmp_path, [("mono", PROBABILITIES), ("poly", [1.0])])
    records = Elpv(root=str(tmp_path)).records()
    assert [r.labels[0] for r in records[:4]] == ["functional"] * 2 + ["defective"] * 2
    assert [r.product for r in records] == ["mono"] * 4 + ["poly"]
    assert records[0].image.load().shape == (16, 16, 3)
    strict = Elpv(root=str(tmp_path), threshold=0.7).records()
    assert [r.labels[0] for r in strict[:4]] == ["functional"] * 3 + ["defective"]


def test_four_classes(tmp_path):
    lay_out(tmp_path, [("mono", PROBABILITIES)])
    labels = [r.labels[0] for r in Elpv(root=str(tmp_path), classes=4).records()]
    assert labels == ["defective_0", "defective_33", "defective_67", "defective_100"]


def test_blocks_are_cut_at_products_and_take_in_a_small_rest(tmp_path):
    lay_out(tmp_path, [("mono", [0.0] * 9), ("poly", [0.0] * 7), ("mono", [0.0] * 2)])
    records = Elpv(root=str(tmp_path), group_size=4).records()
    sizes: dict[str, int] = {}
    for record in records:
        sizes[record.group] = sizes.get(record.group, 0) + 1
    # 9 = 4 + 5 (a rest of 1 joins), 7 = 4 + 3 (a rest of 3 stands alone), 2 is all there is.
    assert list(sizes.values()) == [4, 5, 4, 3, 2]
    products = {record.group: record.product for record in records}
    assert list(products.values()) == ["mono", "mono", "poly", "poly", "mono"]


def test_a_size_of_one_lets_every_cell_stand_for_itself(tmp_path):
    lay_out(tmp_path, [("mono", [0.0] * 5)])
    assert len({r.group for r in Elpv(root=str(tmp_path), group_size=1).records()}) == 5


def test_the_missing_package_is_told_with_its_licence(monkeypatch):
    monkeypatch.setattr(elpv, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'mlff\[elpv\]'.*not for commercial use"):
        Elpv().records()


@pytest.mark.parametrize(
    "line", ["images/cell0001.png 1.0", "images/cell0001.png high mono", "a.png nan mono", "a 2 m"]
)
def test_a_broken_line_is_named(tmp_path, line):
    lay_out(tmp_path, [("mono", [0.0])])
    with (tmp_path / "labels.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UserError, match=r"labels\.csv, line 2: expected"):
        Elpv(root=str(tmp_path)).records()


def test_the_publishers_own_split_in_older_files_is_left_aside(tmp_path):
    lay_out(tmp_path, [("mono", [0.0, 1.0])])
    labels = tmp_path / "labels.csv"
    plain = Elpv(root=str(tmp_path)).records()
    one, other = labels.read_text().splitlines()
    labels.write_text(f"{one}  train\n{other}  test\n")
    assert Elpv(root=str(tmp_path)).records() == plain


def test_a_path_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "set").mkdir()
    lay_out(tmp_path / "set", [("mono", [0.0])])
    Image.new("L", (16, 16)).save(tmp_path / "secret.png")
    (tmp_path / "set" / "labels.csv").write_text("../secret.png 0.0 mono\n")
    with pytest.raises(UserError, match="outside of"):
        Elpv(root=str(tmp_path / "set")).records()


def test_missing_and_empty_labels(tmp_path):
    with pytest.raises(UserError, match=r"labels\.csv: cannot be read"):
        Elpv(root=str(tmp_path)).records()
    (tmp_path / "labels.csv").write_text("\n")
    with pytest.raises(UserError, match="holds no cell"):
        Elpv(root=str(tmp_path)).records()


@pytest.mark.parametrize("wrong", [{"classes": 3}, {"threshold": 1.0}, {"group_size": 0}])
def test_wrong_options(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        Elpv(**wrong)


@pytest.mark.skipif(find_spec("elpv_dataset") is None, reason="needs the package elpv-dataset")
def test_the_published_counts():
    records = Elpv().records()
    assert len(records) == 2624
    assert sum(record.product == "mono" for record in records) == 1074
    functional = sum(record.labels == ("functional",) for record in records)
    assert functional / len(records) == pytest.approx(0.687, abs=0.001)
    assert len({record.group for record in records}) == 44
