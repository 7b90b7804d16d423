from itertools import groupby

import pytest
from PIL import Image

from mlff_cli.data.magnetic_tile import CLASSES, MagneticTile
from mlff_cli.errors import UserError

FREE = ["exp0_num_743", "exp1_num_824", "exp4_num_1000", "exp4_num_1001", "exp5_num_20000"]


def lay_out(home):
    for name in CLASSES:
        folder = home / f"MT_{name.capitalize()}" / "Imgs"
        folder.mkdir(parents=True)
        for stem in FREE if name == "free" else ["exp1_num_5", "exp6_num_70", "exp2_num_300"]:
            Image.new("L", (16, 24)).save(folder / f"{stem}.jpg")
            Image.new("1", (16, 24)).save(folder / f"{stem}.png")


@pytest.mark.parametrize("parent", ["", "magnetic_tile"])
def test_runs_of_rising_exposure_are_groups(tmp_path, parent):
    lay_out(tmp_path / parent)
    records = MagneticTile(root=str(tmp_path)).records()
    by_class = {
        label: [len(list(run)) for _, run in groupby(members, key=lambda r: r.group)]
        for label, members in groupby(records, key=lambda r: r.labels[0])
    }
    assert tuple(by_class) == CLASSES
    # By number and not by text; an equal exposure begins another tile.
    assert by_class["free"] == [3, 2]
    assert by_class["fray"] == [2, 1]
    assert len({r.group for r in records}) == 12
    assert [r.batch for r in records[:5]] == ["exp0", "exp1", "exp4", "exp4", "exp5"]
    assert all(r.name.endswith(".jpg") for r in records)


def test_two_labels(tmp_path):
    lay_out(tmp_path)
    records = MagneticTile(root=str(tmp_path), labelling="good_defect").records()
    assert [r.labels[0] for r in records] == ["good"] * 5 + ["defect"] * 15
    assert len({r.group for r in records}) == 12


def test_exposures_that_are_kept_stay_in_their_groups(tmp_path):
    lay_out(tmp_path)
    everything = {r.name: r for r in MagneticTile(root=str(tmp_path)).records()}
    kept = MagneticTile(root=str(tmp_path), exposures=[1, 5]).records()
    assert {r.batch for r in kept} == {"exp1", "exp5"} and len(kept) == 7
    assert all(everything[r.name] == r for r in kept)
    with pytest.raises(UserError, match=r"data\.exposures: no image is named exp7_num_"):
        MagneticTile(root=str(tmp_path), exposures=[1, 7]).records()


def test_the_published_split_leaks_under_its_name_only(tmp_path):
    lay_out(tmp_path)
    leaking = MagneticTile(root=str(tmp_path), grouping="image_leaks").records()
    assert {r.group for r in leaking} == {""}
    with pytest.raises(UserError, match="exposure_run"):
        MagneticTile(root=str(tmp_path), grouping="exposure_runs")


def test_a_missing_class_a_strange_name_and_an_empty_folder(tmp_path):
    lay_out(tmp_path)
    stray = tmp_path / "MT_Fray" / "Imgs" / "photo.jpg"
    Image.new("L", (16, 16)).save(stray)
    with pytest.raises(UserError, match=r"photo\.jpg: expected a name like"):
        MagneticTile(root=str(tmp_path)).records()
    for path in stray.parent.iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r"MT_Fray.*holds no image"):
        MagneticTile(root=str(tmp_path)).records()
    stray.parent.rmdir()
    with pytest.raises(UserError, match=r"MT_Fray.*is not there"):
        MagneticTile(root=str(tmp_path)).records()
