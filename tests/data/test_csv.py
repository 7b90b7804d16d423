import pickle
from dataclasses import replace
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from mlff_cli.data.csv import Csv
from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.features.identities import identities
from mlff_cli.tasks.schedule import cut
from mlff_cli.tasks.splits import split_records


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "set"
    for name in ("a.png", "b.png", "sub dir/ü.png", "../outside.png"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16)).save(path)
    return home


def dataset(folder, text, **options):
    (folder / "list.csv").write_text(text, encoding="utf-8")
    return Csv(file=str(folder / "list.csv"), **options)


def refused(folder, text, **options):
    with pytest.raises(UserError) as caught:
        dataset(folder, text, **options).records()
    assert "list.csv" in str(caught.value)
    return str(caught.value)


def test_one_label_and_the_optional_columns(folder):
    text = (
        "label,path,product,batch,group,split,remark\n"
        "gut,a.png,p,1,g,train,x\n"
        "Kratzer,b.png,p,2,,VAL,\n"
        "gut,sub dir\\ü.png,q,2,,,\n"
    )
    records = dataset(folder, text).records()
    assert [r.name for r in records] == ["a.png", "b.png", "sub dir\\ü.png"]
    assert [r.labels for r in records] == [("gut",), ("Kratzer",), ("gut",)]
    assert [r.product for r in records] == ["p", "p", "q"]
    assert [r.batch for r in records] == ["1", "2", "2"]
    assert [r.group for r in records] == ["g", "", ""]
    assert [r.split for r in records] == ["train", "validation", ""]
    assert records[2].image.load().shape == (16, 16, 3)


@pytest.mark.parametrize("between", [";", "|", " ; "])
def test_several_labels_or_none(folder, between):
    data = dataset(folder, f"path,labels\na.png,x{between}y{between}x\nb.png,\n")
    assert [r.labels for r in data.records()] == [("x", "y"), ()]


def test_targets_by_name_and_by_prefix(folder):
    text = "path,target_x,target_y,width\na.png,1,-2.5,3e2\nb.png,0,0,1\n"
    data = dataset(folder, text)
    assert [r.targets for r in data.records()] == [(1.0, -2.5), (0.0, 0.0)]
    assert data.target_names == ("target_x", "target_y")
    data = dataset(folder, text, targets=["width", "target_x"])
    assert [r.targets for r in data.records()] == [(300.0, 1.0), (1.0, 0.0)]
    assert data.target_names == ("width", "target_x")
    assert all(r.labels == () for r in data.records())


def test_paths_are_relative_to_the_manifest_or_to_root(folder, tmp_path, monkeypatch):
    assert len(dataset(folder, "path,label\na.png,x\n").records()) == 1
    (tmp_path / "list.csv").write_text("path,label\na.png,x\n")
    monkeypatch.chdir(tmp_path)
    assert len(Csv(file="list.csv", root="set").records()) == 1
    assert "a.png is not in" in refused(tmp_path, "path,label\na.png,x\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Path,label\na.png,x\n", ["line 1", "no column 'path'", "did you mean 'Path'"]),
        ("path,lable\na.png,x\n", ["line 1", "no column 'label'", "did you mean 'lable'"]),
        ("path,label,labels\na.png,x,y\n", ["both 'label' and 'labels'"]),
        ("path,label\na.png,\n", ["line 2, column label: is empty"]),
        ("path,label\n,x\n", ["line 2, column path: is empty"]),
        ("path,label\na.png,Kratzer\nb.png,kratzer\n", ["line 3", "written 'Kratzer'"]),
        ("path,target_x\na.png,\n", ["line 2, column target_x: is empty"]),
        ("path,target_x\na.png,nan\n", ["line 2, column target_x: nan"]),
        ("path,target_x\na.png,-Inf\n", ["line 2, column target_x: -Inf"]),
        ("path;target_x\na.png;3,5\n", ["column target_x: '3,5' is no number", "a point"]),
        ("path,label,split\na.png,x,training set\n", ["column split: 'training set' is unknown"]),
        ("path,label,product\na.png,x,p\nb.png,x,\n", ["line 3, column product: is empty"]),
        ("path,label\na.png,x\na.png,y\n", ["line 3", "on line 2 already", "('x',)", "('y',)"]),
        ("path,labels\na.png,x\na.png,y\n", ["several labels go in one cell"]),
        ("path,label\na.png,x\n./a.png,x\n", ["line 3", "on line 2 already; remove one"]),
        ("path,label\nsub dir/../a.png,x\na.png,y\n", ["line 3", "on line 2 already with"]),
        ("path,label\nc.png,x\n", ["line 2, column path: c.png is not in"]),
        ("path,label\n../outside.png,x\n", ["line 2", "leads out of", "allow_outside_root=true"]),
        ("path,label\n/etc/hosts,x\n", ["line 2", "leads out of"]),
        ("path,label\nsub dir/../../outside.png,x\n", ["line 2", "leads out of"]),
        ("path,label\n..,x\n", ["line 2", "leads out of"]),
        ("path,label\n" + "a" * 5000 + ",x\n", ["line 2, column path: aaa"]),
        ("path,label\n", ["holds no row"]),
        ("name\n" + "x\n", ["no column 'path'"]),
    ],
)
def test_wrong_rows_are_told(folder, text, words):
    message = refused(folder, text)
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("Group", "group"),
        ("groups", "group"),
        ("Batch", "batch"),
        ("BATCHES", "batch"),
        ("Products", "product"),
        ("Split", "split"),
        ("Label", "label"),
        ("Target_x", "target_x"),
    ],
)
def test_a_column_like_one_that_is_read_is_asked_about(folder, column, meant):
    text = f"path,label,{column}\na.png,x,g\nb.png,y,g\n"
    message = refused(folder, text)
    assert f"line 1: the column '{column}' is not read; rename it to '{meant}'" in message
    assert f"data.ignored_columns=['{column}']" in message
    records = dataset(folder, text, ignored_columns=[column]).records()
    assert [(r.group, r.batch, r.product, r.labels[0]) for r in records] == [
        ("", "", "", "x"),
        ("", "", "", "y"),
    ]


def test_a_column_that_is_read_can_be_ignored(folder):
    text = "path,label,group,split\na.png,x,g,train\nb.png,y,g,tset\n"
    records = dataset(folder, text, ignored_columns=["split"]).records()
    assert [(r.group, r.split) for r in records] == [("g", ""), ("g", "")]
    message = refused(folder, text, ignored_columns=["splits"])
    assert "no column 'splits'" in message and "did you mean 'split'?" in message


def test_other_columns_and_targets_that_are_chosen_are_not_asked_about(folder):
    text = "path,Target_x,remark,grouping,glass\na.png,1,,,\n"
    data = dataset(folder, text, targets=["Target_x"])
    assert [r.targets for r in data.records()] == [(1.0,)]


def test_names_are_compared_in_one_form_of_unicode(folder):
    one, other = (normalize(form, "Kratzer ö") for form in ("NFC", "NFD"))
    assert one != other
    text = f"path,label,product,batch\na.png,{one},{other},ä\nb.png,{other},{one},a\u0308\n"
    records = dataset(folder, text, classes=[other]).records()
    assert {(r.labels, r.product, r.batch) for r in records} == {((one,), one, "ä")}
    (record, _) = dataset(folder, f"path,labels\na.png,{one};{other}\nb.png,\n").records()
    assert record.labels == (one,)
    text = f"path,{normalize('NFD', 'größe')}\na.png,1\n"
    assert dataset(folder, text, targets=["größe"]).records()[0].targets == (1.0,)


@pytest.mark.parametrize(("on_disk", "in_file"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_path_opens_in_either_form_of_unicode(folder, on_disk, in_file):
    name = "Prüfling ö.png"
    Image.new("RGB", (16, 16)).save(folder / normalize(on_disk, name))
    (record,) = dataset(folder, f"path,label\n{normalize(in_file, name)},x\n").records()
    assert record.image.load().shape == (16, 16, 3)


def test_products_and_batches_stay_in_the_order_of_the_manifest_which_is_told(folder, caplog):
    caplog.set_level("INFO")
    rows = (("b", "10"), ("a", "2"))
    text = "path,label,product,batch\n" + "".join(
        f"{name}.png,x,{name},batch_{batch}\n" for name, batch in rows
    )
    records = dataset(folder, text).records()
    assert [r.product for r in records] == ["b", "a"]
    assert [cut.name for cut in cut(records, line="batch")] == ["batch_10", "batch_2"]
    assert "column product: the order is that of the first rows: b, a" in caplog.text
    assert "column batch: the order is that of the first rows: batch_10, batch_2" in caplog.text
    caplog.clear()
    dataset(folder, text.replace("batch_10", "batch_1").replace("b,batch", "a,batch")).records()
    assert caplog.messages == []


def test_a_folder_as_a_path_is_a_bad_image(folder):
    with pytest.raises(UserError, match="sub dir: is a folder"):
        dataset(folder, "path,label\nsub dir,x\n").records()


def test_classes_name_the_labels_that_may_occur(folder):
    text = "path,label\na.png,scratch\nb.png,scrtch\n"
    message = refused(folder, text, classes=["good", "scratch"])
    assert "line 3, column label: 'scrtch' is unknown; did you mean 'scratch'?" in message


def test_targets_that_are_no_columns(folder):
    message = refused(folder, "path,target_x\na.png,1\n", targets=["target_y"])
    assert "no column 'target_y'" in message and "did you mean 'target_x'" in message


def test_many_wrong_rows_are_counted(folder):
    message = refused(folder, "path,label\n" + "c.png,x\n" * 9)
    assert "9 of 9 rows" in message and "and 4 more" in message and "line 7" not in message


@pytest.mark.parametrize("kind", ["../outside.png", "absolute", "link"])
def test_paths_outside_are_admitted_when_allowed(folder, tmp_path, kind):
    (folder / "link").symlink_to(tmp_path / "outside.png")
    path = str(tmp_path / "outside.png") if kind == "absolute" else kind
    text = f"path,label\n{path},x\n"
    assert "leads out of" in refused(folder, text)
    assert len(dataset(folder, text, allow_outside_root=True).records()) == 1


def test_an_absolute_path_inside_is_fine(folder):
    assert len(dataset(folder, f"path,label\n{folder}/a.png,x\n").records()) == 1


def test_missing_files_are_skipped_when_asked(folder):
    text = "path,label\na.png,x\nc.png,x\nb.png,x\n"
    data = dataset(folder, text, on_bad_image="skip", bad_image_limit=0.4)
    assert [r.name for r in data.records()] == ["a.png", "b.png"]
    assert data.skipped[0][0] == "c.png"


def test_the_manifest_is_asked_for(folder):
    with pytest.raises(UserError, match=r"set data\.file=<manifest\.csv>"):
        Csv().records()
    (folder / "list.csv").touch()
    with pytest.raises(UserError, match=r"lst\.csv does not exist; did you mean 'list\.csv'"):
        Csv(file=str(folder / "lst.csv")).records()


@pytest.fixture
def wide(folder):
    """An image of 40 x 24 pixels in which each tells its place."""
    rows, columns = np.mgrid[:24, :40]
    pixels = np.stack([columns, rows, rows * 0], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "wide.png")
    return pixels


def boxes(*rows, header="path,label,x,y,width,height"):
    return "\n".join([header, *rows]) + "\n"


def test_boxes_are_parts_of_images_that_stay_together(folder, wide, caplog):
    caplog.set_level("INFO")
    text = boxes("wide.png,x,0,0,8,9", "wide.png,y,30,14.0,10,10", "a.png,x,0,0,16,16")
    records = dataset(folder, text).records()
    assert [r.name for r in records] == [
        "wide.png#xywh=0,0,8,9", "wide.png#xywh=30,14,10,10", "a.png#xywh=0,0,16,16",
    ]  # fmt: skip
    assert [r.group for r in records] == ["wide.png", "wide.png", "a.png"]
    np.testing.assert_array_equal(records[0].image.load(), wide[:9, :8])
    np.testing.assert_array_equal(records[1].image.load(), wide[14:, 30:])
    assert "3 rows are parts of 2 images" in caplog.text
    splits = split_records(records, line="product", test=0.4, validation=0, seed=0)
    assert splits[records[0].name] == splits[records[1].name]


def test_a_part_is_known_by_the_file_and_the_box(folder, wide):
    text = boxes("wide.png,x,0,0,8,9", "wide.png,y,0,0,9,8", "copy.png,x,0,0,8,9")
    (folder / "copy.png").write_bytes((folder / "wide.png").read_bytes())
    first, second, copy = (r.image for r in dataset(folder, text).records())
    whole = FileImage(first.path)
    assert first.identity() == copy.identity() != second.identity()
    assert whole.identity() not in {first.identity(), second.identity()}
    assert identities([first, second, whole], None) == [
        image.identity() for image in (first, second, whole)
    ]
    assert pickle.loads(pickle.dumps(first)) == first
    assert replace(first, bits=12).identity() not in {first.identity(), second.identity()}


def test_boxes_lie_in_the_upright_image(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 24)).save(folder / "turned.jpg", exif=exif)
    (record,) = dataset(folder, boxes("turned.jpg,x,0,20,24,20")).records()
    assert record.image.load().shape == (20, 24, 3)
    assert "which is 24 x 40" in refused(folder, boxes("turned.jpg,x,20,0,20,24"))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("0,0,0,9", "line 3, columns x, y, width, height: the box is 0 x 9, smaller than 8 x 8"),
        ("0,0,9,-9", "the box is 9 x -9, smaller than"),
        ("-1,0,9,9", "leads out of the image, which is 40 x 24 pixels"),
        ("32,0,9,9", "leads out of the image, which is 40 x 24 pixels"),
        ("0,16,9,9", "leads out of the image, which is 40 x 24 pixels"),
        ("0,left,9,9", "line 3, column y: 'left' is no number; give pixels"),
        ("0,nan,9,9", "column y: nan is no whole number"),
        ("0,inf,9,9", "column y: inf is no whole number"),
        ("0,0,9.5,9", "column width: 9.5 is no whole number of pixels; round it"),
        ("0,0,9,", "line 3, column height: is empty"),
        ("0,0,8,9", "line 3, column path: wide.png#xywh=0,0,8,9 stands on line 2 already"),
    ],
)
def test_a_bad_box_is_told_with_its_line(folder, wide, row, words):
    assert words in refused(folder, boxes("wide.png,x,0,0,8,9", f"wide.png,x,{row}"))


def test_a_group_that_is_given_counts_and_must_be_one_for_an_image(folder, wide):
    header = "path,label,x,y,width,height,group"
    text = boxes("wide.png,x,0,0,8,8,g", "wide.png,y,9,0,8,8,g", "a.png,x,0,0,8,8,", header=header)
    assert [r.group for r in dataset(folder, text).records()] == ["g", "g", "a.png"]
    message = refused(folder, text.replace("9,0,8,8,g", "9,0,8,8,h"))
    assert "line 3, column group: is 'h' here and 'g' on line 2" in message


@pytest.mark.parametrize(
    "header", ["x,y,w,h", "X,Y,Width,Height", "xmin,ymin,xmax,ymax", "left,top,right,bottom"]
)
def test_columns_that_look_like_boxes_are_asked_about(folder, header):
    text = boxes("a.png,x,0,0,8,8", "b.png,y,0,0,8,8", header=f"path,label,{header}")
    message = refused(folder, text)
    assert "told by x, y, width and height" in message and "data.ignored_columns=[" in message
    (record, _) = dataset(folder, text, ignored_columns=header.split(",")).records()
    assert record.image == FileImage(folder / "a.png")


def test_boxes_can_be_ignored_or_be_targets(folder):
    text = boxes("a.png,x,1,2,3,4", "b.png,y,0,0,8,8")
    (record, _) = dataset(folder, text, ignored_columns=["x", "y", "width", "height"]).records()
    assert (record.name, record.group) == ("a.png", "")
    records = dataset(folder, text, targets=["x", "y", "width", "height"]).records()
    assert records[0].targets == (1.0, 2.0, 3.0, 4.0) and records[0].image.box is None


def test_the_bad_image_of_several_parts_is_left_out_with_all_of_them(folder, wide):
    (folder / "torn.png").write_bytes(b"torn")
    rows = ("torn.png,x,0,0,8,8", "torn.png,x,9,9,8,8", "wide.png,x,0,0,8,8")
    data = dataset(folder, boxes(*rows), on_bad_image="skip", bad_image_limit=0.7)
    assert [r.name for r in data.records()] == ["wide.png#xywh=0,0,8,8"]
    assert [name for name, _ in data.skipped] == [
        "torn.png#xywh=0,0,8,8",
        "torn.png#xywh=9,9,8,8",
    ]
