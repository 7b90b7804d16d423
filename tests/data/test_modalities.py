"""Records with several images, of CSV files, folders, magnetic tiles and drawings."""

import logging

import numpy as np
import pytest
from PIL import Image

from mlff_cli.data.csv import Csv
from mlff_cli.data.folder import Folder
from mlff_cli.data.magnetic_tile import CLASSES, MagneticTile
from mlff_cli.data.surfaces_thermal import BOTH, THERMAL_ONLY, VISUAL_ONLY, SurfacesThermal, draw
from mlff_cli.errors import UserError
from mlff_cli.features.identities import identities
from mlff_cli.runs.value_range import in_one_range
from mlff_cli.tasks.modalities import missing_of, parts_of

TWO = ["image", "thermal"]


def save(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (16, 16), value).save(path)


def names_of(record):
    return [(name, image.path.name) for name, image in record.image.parts]


@pytest.fixture
def listed(tmp_path):
    """A function that writes a manifest over six images and reads it."""
    for number, name in enumerate(("a", "b", "c")):
        save(tmp_path / f"{name}.png", number)
        save(tmp_path / f"warm/{name}.png", 10 + number)

    def read(text, **options):
        (tmp_path / "list.csv").write_text(text, encoding="utf-8")
        return Csv(file=str(tmp_path / "list.csv"), **options).records()

    return read


TEXT = "path,path_thermal,label\na.png,warm/a.png,x\nb.png,,y\n,warm/c.png,x\n"


def test_a_row_has_a_column_for_each_image_and_some_may_be_empty(listed, caplog):
    records = listed(TEXT, modalities=TWO)
    assert [names_of(record) for record in records] == [
        [("image", "a.png"), ("thermal", "a.png")],
        [("image", "b.png")],
        [("thermal", "c.png")],
    ]
    assert [record.name for record in records] == ["a.png", "b.png", "warm/c.png"]
    assert identities([records[0].image], None) == [records[0].image.identity()]
    said = caplog.messages
    assert "1 of 3 records lack the image image" in said
    assert "1 of 3 records lack the image thermal" in said


def test_a_single_modality_is_a_plain_image_under_the_same_name(listed):
    (alone,) = listed("path,path_thermal,label\na.png,warm/a.png,x\n", modalities=["thermal"])
    assert alone.name == "a.png" and alone.image.path.parent.name == "warm"
    assert len(parts_of(alone.image)) == 1
    with pytest.raises(UserError, match="line 3, column path_thermal: is empty"):
        listed(TEXT, modalities=["thermal"])


def test_without_modalities_columns_of_others_are_not_read_and_that_is_said(listed, caplog):
    caplog.set_level(logging.INFO)
    (record,) = listed("path,path_thermal,label\na.png,warm/a.png,x\n")
    assert record.image.path.name == "a.png"
    assert "path_thermal is not read; data.modalities=[image,thermal] reads" in caplog.text


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (TEXT, {"modalities": ["image", "heat"]}, "no column 'path_heat'"),
        ("path,path_thermal,label\n,,x\n", {}, "column path or path_thermal: is empty"),
        ("path,path_thermal,label\na.png,no.png,x\n", {}, "column path_thermal: no.png is not in"),
        ("path,path_thermal,label\na.png,,x\nb.png,,y\n", {}, "no record has an image 'thermal'"),
        ("path,path_thermal,label\na.png,warm/a.png,x\na.png,warm/a.png,x\n", {}, "on line 2"),
        ("path,path_thermal,label,x,y,width,height\na.png,warm/a.png,x,0,0,9,9\n", {}, "cut the"),
        (TEXT, {"modalities": ["image", "image"]}, "stands there twice"),
        (TEXT, {"modalities": ["image", "a:b"]}, "'a:b' is no name"),
    ],
)
def test_what_cannot_be_read_is_refused(listed, text, options, message):
    with pytest.raises(UserError, match=message):
        listed(text, **({"modalities": TWO} | options))


def test_a_bad_image_of_any_modality_is_found(listed, tmp_path):
    (tmp_path / "warm/b.png").write_bytes(b"no image")
    text = "path,path_thermal,label\na.png,warm/a.png,x\nb.png,warm/b.png,y\n"
    with pytest.raises(UserError, match=r"b\.png"):
        listed(text, modalities=TWO)
    options = {"on_bad_image": "skip", "bad_image_limit": 0.5}
    (kept,) = listed(text, modalities=TWO, **options)
    assert kept.name == "a.png"


def test_16_bits_of_any_modality_are_scaled_from_one_range(listed, tmp_path):
    warm = np.full((16, 16), 1000, np.uint16)
    Image.fromarray(warm).save(tmp_path / "warm/a.png")
    (record,) = listed("path,path_thermal,label\na.png,warm/a.png,x\n", modalities=TWO)
    (scaled,), bits = in_one_range([record], "auto", None)
    assert bits == 10 and [part.bits for part in parts_of(scaled.image)] == [16, 10]
    assert scaled.image.identity() != record.image.identity()


def test_files_of_a_part_differ_by_the_end_of_their_name(tmp_path, caplog):
    for name in ("1.png", "1_thermal.jpg", "2.png", "10.png", "10_thermal.png", "3_thermal.png"):
        save(tmp_path / "good" / name)
    records = Folder(root=str(tmp_path), modalities=TWO).records()
    assert [record.name for record in records] == [
        "good/1.png", "good/2.png", "good/3_thermal.png", "good/10.png",
    ]  # fmt: skip
    assert names_of(records[0]) == [("image", "1.png"), ("thermal", "1_thermal.jpg")]
    assert [missing_of(record.image, TWO) for record in records] == [[], ["thermal"], ["image"], []]
    assert not [text for text in caplog.messages if "left out" in text]
    alone = Folder(root=str(tmp_path), modalities=["thermal"]).records()
    assert [record.name for record in alone] == ["good/1.png", "good/3_thermal.png", "good/10.png"]
    assert len(Folder(root=str(tmp_path)).records()) == 6


def test_folders_with_two_files_of_one_kind_or_with_the_plain_one_alone_are_refused(tmp_path):
    for name in ("1.png", "1.jpg", "1_thermal.png"):
        save(tmp_path / "good" / name)
    with pytest.raises(UserError, match=r"is the image image of the same part"):
        Folder(root=str(tmp_path), modalities=TWO).records()
    with pytest.raises(UserError, match="name these as well"):
        Folder(root=str(tmp_path), modalities=["image"])


def tiles(home):
    for name in CLASSES:
        for stem in ("exp1_num_5", "exp2_num_70", "exp3_num_300", "exp2_num_400", "exp3_num_500"):
            save(home / f"MT_{name.capitalize()}" / "Imgs" / f"{stem}.jpg")
    return str(home)


def test_the_exposures_of_a_tile_are_the_images_of_one_record(tmp_path):
    root, names = tiles(tmp_path), ["exp1", "exp2", "exp3"]
    records = MagneticTile(root=root, modalities=names).records()
    assert len(records) == 2 * len(CLASSES)
    assert [missing_of(record.image, names) for record in records[:2]] == [[], ["exp1"]]
    assert {record.batch for record in records} == {""}
    assert records[0].name == records[0].group == "free_run_001"
    alone = MagneticTile(root=root, modalities=["exp1"]).records()
    assert [record.name for record in alone] == [record.name for record in records[::2]]
    with pytest.raises(UserError, match=r"data\.modalities: no image is named exp9"):
        MagneticTile(root=root, modalities=["exp1", "exp9"]).records()
    with pytest.raises(UserError, match=r"leave data.exposures and data.grouping away"):
        MagneticTile(root=root, modalities=names, exposures=[1])


def picture(label, modality, index=0):
    parameters = {"generator_seed": 0, "product": "brushed_metal", "image_size": 64}
    return draw(label=label, index=index, modality=modality, **parameters).astype(int)


def test_some_defects_are_drawn_in_one_image_alone():
    """A camera sees what lies below the surface no more than a thermal camera sees a scratch."""
    records = SurfacesThermal(images_per_class=1, image_size=64).records()
    labels = [record.labels[0] for record in records if record.product == "brushed_metal"]
    assert labels == ["good", *VISUAL_ONLY["brushed_metal"], *BOTH, *THERMAL_ONLY]
    # The same draws of the generator with and without the defect are compared pixel by pixel.
    from mlff_cli.data import surfaces_thermal

    key = "x"
    good = surfaces_thermal._surface(key, "brushed_metal", "good", 64)[0]
    scratched = surfaces_thermal._surface(key, "brushed_metal", "scratch", 64)[0]
    assert np.abs(scratched.albedo - good.albedo).max() > 0.01
    change = surfaces_thermal._change(key, "brushed_metal", "inclusion", 64)
    assert change.max() == pytest.approx(1) and np.median(change) < 0.05


def test_drawings_are_the_same_each_time_and_differ_from_part_to_part():
    assert np.array_equal(picture("void", "thermal"), picture("void", "thermal"))
    assert not np.array_equal(picture("void", "thermal"), picture("void", "thermal", index=1))
    grey = picture("void", "thermal")
    assert (grey == grey[:, :, :1]).all() and grey.std() > 2
    both = SurfacesThermal(images_per_class=1, image_size=64).records()
    alone = SurfacesThermal(images_per_class=1, image_size=64, modalities=["thermal"]).records()
    assert [record.name for record in both] == [record.name for record in alone]
    assert [parts_of(record.image)[1] for record in both] == [record.image for record in alone]


@pytest.mark.parametrize(
    "arguments", [{"modalities": []}, {"image_size": [64, 32]}, {"images_per_class": 0}]
)
def test_drawings_that_cannot_be_made_are_refused(arguments):
    with pytest.raises(UserError, match=next(iter(arguments))):
        SurfacesThermal(**arguments)
