from dataclasses import replace
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from mlff_cli.data.csv import Csv
from mlff_cli.data.folder import Folder
from mlff_cli.errors import UserError
from mlff_cli.images.decoding import SUFFIXES
from mlff_cli.tasks.schedule import cut


def image(path):
    """Save an image, of a kind that Pillow does not write as a TIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16)).save(path, None if path.suffix.lower() in SUFFIXES else "TIFF")


def test_product_class_image(tmp_path):
    names = [
        "part 2/gut/ä ö.png",
        "part 2/Kratzer/1.JPG",
        "part 10/gut/b.tiff",
        "part 10/gut/a.bmp",
    ]
    for name in names:
        image(tmp_path / name)
    records = Folder(root=str(tmp_path)).records()
    assert [r.name for r in records] == [
        "part 2/Kratzer/1.JPG",
        "part 2/gut/ä ö.png",
        "part 10/gut/a.bmp",
        "part 10/gut/b.tiff",
    ]
    assert [(r.product, r.labels) for r in records[:3]] == [
        ("part 2", ("Kratzer",)),
        ("part 2", ("gut",)),
        ("part 10", ("gut",)),
    ]
    assert records[1].image.load().shape == (16, 16, 3)


@pytest.mark.parametrize(
    "products",
    [
        ["batch_1", "batch_2", "batch_10"],
        ["2024-09-30", "2024-10-01", "2025-01-02"],
        ["2024-9-30", "2024-10-1", "2025-1-2"],
    ],
)
def test_products_are_learned_in_the_natural_order_of_their_names(tmp_path, products):
    for product in reversed(products):
        image(tmp_path / product / "good" / "a.png")
    records = Folder(root=str(tmp_path)).records()
    assert [cut.name for cut in cut(records, line="product")] == products


def test_one_product_one_level_up(tmp_path):
    image(tmp_path / "good" / "a.png")
    image(tmp_path / "bad" / "b.webp")
    records = Folder(root=str(tmp_path)).records()
    assert [(r.name, r.product, r.labels[0]) for r in records] == [
        ("bad/b.webp", "", "bad"),
        ("good/a.png", "", "good"),
    ]


@pytest.mark.parametrize(
    "suffix", ["bmp", "webp", "gif", "tif", "TIFF", "jp2", "j2k", "pgm", "JPE"]
)
def test_a_folder_takes_every_format_that_a_manifest_takes(tmp_path, suffix):
    pixels = np.full((32, 32), 77, dtype=np.uint8)
    for label in ("good", "bad"):
        path = tmp_path / label / f"a.{suffix}"
        path.parent.mkdir()
        Image.fromarray(pixels).save(path)
    (tmp_path / "list.csv").write_text(f"path,label\nbad/a.{suffix},bad\ngood/a.{suffix},good\n")
    listed = Folder(root=str(tmp_path)).records()
    assert listed == Csv(file=str(tmp_path / "list.csv")).records()
    assert all((record.image.load() == 77).all() for record in listed)


def test_hidden_names_and_other_files_are_ignored_and_strays_are_told(tmp_path, caplog):
    image(tmp_path / "p" / "good" / "a.png")
    image(tmp_path / "p" / "good" / ".a.png")
    image(tmp_path / ".thumbnails" / "good" / "a.png")
    for number in range(12):
        (tmp_path / "p" / "good" / f"{number:02}.txt").touch()
    (tmp_path / "p" / "Thumbs.db").touch()
    assert len(Folder(root=str(tmp_path)).records()) == 1
    (line,) = caplog.messages
    assert "13 files that are no images are left out (12 .txt, 1 .db)" in line
    assert "p/Thumbs.db, p/good/00.txt" in line and "04.txt" not in line


def test_images_that_are_in_no_class_are_named(tmp_path, caplog):
    for name in ("p/good/a.png", "stray.png", "p/good/night/below.jp2"):
        image(tmp_path / name)
    assert [r.name for r in Folder(root=str(tmp_path)).records()] == ["p/good/a.png"]
    (line,) = caplog.messages
    assert "2 images lie elsewhere than in the folder of a class" in line
    assert "stray.png, p/good/night/below.jp2" in line


def test_nothing_is_said_where_nothing_is_left_out(tmp_path, caplog):
    image(tmp_path / "p" / "good" / "a.png")
    Folder(root=str(tmp_path)).records()
    assert caplog.messages == []


def test_images_that_are_not_supported_are_refused_by_name_or_listed_as_skipped(tmp_path):
    image(tmp_path / "good" / "a.png")
    for name in ("good/a.heic", "good/B.DNG", "bad/c.avif"):
        image(tmp_path / name)
    with pytest.raises(UserError) as caught:
        Folder(root=str(tmp_path)).records()
    for words in ("good/a.heic: is HEIF", "good/B.DNG: is camera raw", "bad/c.avif: is AVIF"):
        assert words in str(caught.value)
    assert "convert it to PNG" in str(caught.value)
    dataset = Folder(root=str(tmp_path), on_bad_image="skip", bad_image_limit=0.9)
    assert [r.name for r in dataset.records()] == ["good/a.png"]
    assert [name for name, _ in dataset.skipped] == [
        "bad/c.avif",
        "good/B.DNG",
        "good/a.heic",
    ]


def test_a_file_of_several_pages_is_refused_or_listed_as_skipped(tmp_path):
    pages = [Image.new("L", (16, 16), shade) for shade in (0, 99)]
    (tmp_path / "good").mkdir()
    pages[0].save(tmp_path / "good" / "a.png")
    pages[0].save(tmp_path / "good" / "b.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(UserError, match=r"good/b\.tif: holds 2 pages or frames.*\n.*=skip"):
        Folder(root=str(tmp_path)).records()
    dataset = Folder(root=str(tmp_path), on_bad_image="skip", bad_image_limit=0.5)
    assert [r.name for r in dataset.records()] == ["good/a.png"]
    assert [name for name, _ in dataset.skipped] == ["good/b.tif"]


def test_an_empty_class_is_named(tmp_path):
    image(tmp_path / "p" / "good" / "a.png")
    (tmp_path / "p" / "scratch").mkdir()
    with pytest.raises(UserError, match=r"class 'scratch' has no image.*it is empty"):
        Folder(root=str(tmp_path)).records()
    (tmp_path / "p" / "scratch" / "raw.txt").touch()
    with pytest.raises(UserError, match=r"class 'scratch' has no image.*it holds raw\.txt"):
        Folder(root=str(tmp_path)).records()
    (tmp_path / "p" / "scratch" / "raw.heic").touch()
    with pytest.raises(UserError, match=r"scratch/raw\.heic: is empty"):
        Folder(root=str(tmp_path)).records()


def test_an_empty_class_of_the_only_product_is_named(tmp_path):
    image(tmp_path / "good" / "a.png")
    (tmp_path / "scratch").mkdir()
    with pytest.raises(UserError, match="class 'scratch' has no image"):
        Folder(root=str(tmp_path)).records()


def test_a_product_without_images_is_named(tmp_path):
    image(tmp_path / "p" / "good" / "a.png")
    (tmp_path / "q").mkdir()
    with pytest.raises(UserError, match="product 'q' has no images"):
        Folder(root=str(tmp_path)).records()


def test_mixed_layouts_are_told(tmp_path):
    image(tmp_path / "p" / "good" / "a.png")
    image(tmp_path / "good" / "a.png")
    with pytest.raises(UserError, match="mixes two layouts: good holds images, p holds folders"):
        Folder(root=str(tmp_path)).records()


@pytest.mark.parametrize("beside", ["p/beside.png", "p/beside.heic"])
def test_images_beside_the_classes_of_a_product_are_told(tmp_path, beside):
    image(tmp_path / "p" / "good" / "a.png")
    image(tmp_path / beside)
    with pytest.raises(UserError, match="mixes two layouts: p holds images, p holds folders"):
        Folder(root=str(tmp_path)).records()


def test_images_at_the_top_and_an_empty_root(tmp_path):
    with pytest.raises(UserError, match="holds 0 images but no folder"):
        Folder(root=str(tmp_path)).records()
    image(tmp_path / "a.png")
    with pytest.raises(UserError, match="holds 1 images but no folder"):
        Folder(root=str(tmp_path)).records()


def test_a_folder_named_like_an_image_is_a_bad_image(tmp_path):
    image(tmp_path / "good" / "a.png")
    (tmp_path / "good" / "b.png").mkdir()
    with pytest.raises(UserError, match=r"good/b\.png: is a folder"):
        Folder(root=str(tmp_path)).records()
    dataset = Folder(root=str(tmp_path), on_bad_image="skip", bad_image_limit=0.5)
    assert [r.name for r in dataset.records()] == ["good/a.png"]
    assert dataset.skipped == [("good/b.png", "is a folder, not an image file")]


@pytest.mark.parametrize("which", ["product", "class", "image"])
def test_links_out_of_the_root_are_refused_unless_allowed(tmp_path, which):
    root = tmp_path / "root"
    image(root / "p" / "good" / "a.png")
    image(tmp_path / "elsewhere" / "good" / "a.png")
    link, target = {
        "product": (root / "q", "elsewhere"),
        "class": (root / "p" / "bad", "elsewhere/good"),
        "image": (root / "p" / "good" / "b.png", "elsewhere/good/a.png"),
    }[which]
    link.symlink_to(tmp_path / target)
    with pytest.raises(UserError, match=r"outside of.*data\.allow_outside_root=true"):
        Folder(root=str(root)).records()
    assert len(Folder(root=str(root), allow_outside_root=True).records()) == 2


def test_links_within_the_root_and_a_linked_root_are_fine(tmp_path):
    image(tmp_path / "root" / "p" / "good" / "a.png")
    (tmp_path / "root" / "p" / "good" / "b.png").symlink_to("a.png")
    (tmp_path / "link").symlink_to("root")
    assert len(Folder(root=str(tmp_path / "link")).records()) == 2


def test_a_broken_link_is_a_bad_image(tmp_path):
    image(tmp_path / "good" / "a.png")
    (tmp_path / "good" / "b.png").symlink_to("/nowhere/b.png")
    with pytest.raises(UserError, match=r"good/b\.png: is a link to /nowhere/b\.png"):
        Folder(root=str(tmp_path)).records()


def test_a_name_in_two_forms_of_unicode_is_one_class_and_its_files_open(tmp_path):
    one, other = (normalize(form, "Kratzer ö") for form in ("NFC", "NFD"))
    for name in (f"Prüfling/{one}/a.png", f"teil/{other}/b.png", f"teil/{one}/c.png"):
        image(tmp_path / name)
    records = Folder(root=str(tmp_path)).records()
    assert {record.labels for record in records} == {(one,)}
    assert [record.product for record in records] == ["Prüfling", "teil", "teil"]
    assert all(record.image.load().shape == (16, 16, 3) for record in records)
    assert all((tmp_path / record.name).is_file() for record in records)


def mvtec(root):
    """Write two products as MVTec AD lays them out: only good images to train on."""
    for product in ("bottle", "cable"):
        for name in (
            "train/good/000.png",
            "train/good/001.png",
            "test/good/000.png",
            "test/crack/000.png",
            "ground_truth/crack/000_mask.png",
        ):
            image(root / product / name)
        (root / product / "license.txt").touch()


def facts(records):
    return {(r.name, r.product, r.labels[0], r.split) for r in records}


@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_split_folders_at_the_top_fix_the_splits(tmp_path, caplog, validation):
    caplog.set_level("INFO")
    for split in ("train", validation, "test"):
        for label in ("good", "bad"):
            image(tmp_path / split / label / "a.png")
    records = Folder(root=str(tmp_path)).records()
    assert facts(records) == {
        (f"{folder}/{label}/a.png", "", label, split)
        for folder, split in (("train", "train"), (validation, "validation"), ("test", "test"))
        for label in ("good", "bad")
    }
    assert [r.labels[0] for r in records] == ["bad"] * 3 + ["good"] * 3
    assert "the folders are splits: 2 images train, 2 images validation, 2 images test" in (
        caplog.text
    )


@pytest.mark.parametrize("layout", ["{split}/{product}/{label}", "{product}/{split}/{label}"])
def test_split_folders_above_or_in_products(tmp_path, layout):
    wanted = set()
    for product in ("p", "q"):
        for label in ("bad", "good"):
            for split in ("train", "test"):
                name = layout.format(split=split, product=product, label=label) + "/a.png"
                image(tmp_path / name)
                wanted.add((name, product, label, split))
    records = Folder(root=str(tmp_path)).records()
    assert facts(records) == wanted
    places = [(r.product, r.labels[0]) for r in records]
    assert places == sorted(places)
    free = Folder(root=str(tmp_path), folder_splits="ignore").records()
    assert [replace(r, split="") for r in records] == free


def test_mvtec_is_read_as_it_comes_and_its_splits_are_drawn_afresh(tmp_path, caplog):
    caplog.set_level("INFO")
    mvtec(tmp_path)
    records = Folder(root=str(tmp_path)).records()
    assert len(records) == 8 and not any("ground_truth" in r.name for r in records)
    assert {(r.product, r.labels[0], r.split) for r in records} == {
        (product, label, "") for product in ("bottle", "cable") for label in ("good", "crack")
    }
    for words in (
        "the splits of the folders are not used: bottle has nothing of crack; cable has nothing",
        "drawn afresh from all images (data.folder_splits=use keeps",
        "2 masks in the folders bottle/ground_truth, cable/ground_truth are no images",
        "2 files that are no images are left out (2 .txt): bottle/license.txt",
    ):
        assert words in caplog.text


def test_one_product_of_mvtec_is_read_by_itself(tmp_path):
    mvtec(tmp_path)
    records = Folder(root=str(tmp_path / "bottle"), folder_splits="use").records()
    assert facts(records) == {
        ("train/good/000.png", "", "good", "train"),
        ("train/good/001.png", "", "good", "train"),
        ("test/good/000.png", "", "good", "test"),
        ("test/crack/000.png", "", "crack", "test"),
    }


def test_folders_that_are_not_all_splits_are_products_and_classes(tmp_path, caplog):
    caplog.set_level("INFO")
    for name in ("train/good/a.png", "bolt/good/a.png", "bolt/test/a.png"):
        image(tmp_path / name)
    records = Folder(root=str(tmp_path)).records()
    assert {(r.product, r.labels[0], r.split) for r in records} == {
        ("train", "good", ""),
        ("bolt", "good", ""),
        ("bolt", "test", ""),
    }
    assert caplog.messages == []


def test_a_split_without_classes_is_told(tmp_path):
    for name in ("train/good/a.png", "test/a.png"):
        image(tmp_path / name)
    with pytest.raises(UserError, match="test holds 1 images but no folder"):
        Folder(root=str(tmp_path)).records()


def test_splits_of_two_layouts_are_told(tmp_path):
    for name in ("train/good/a.png", "test/bolt/good/a.png"):
        image(tmp_path / name)
    with pytest.raises(UserError, match="mixes two layouts: one split holds classes, another prod"):
        Folder(root=str(tmp_path)).records()


def test_splits_without_test_images_say_what_can_be_scored(tmp_path, caplog):
    caplog.set_level("INFO")
    for name in ("train/good/a.png", "val/good/b.png"):
        image(tmp_path / name)
    Folder(root=str(tmp_path)).records()
    assert "none is in test: score them with splits.scored=validation" in caplog.text


def test_a_wrong_choice_of_folder_splits_is_told():
    with pytest.raises(UserError, match="did you mean 'ignore'"):
        Folder(folder_splits="ignor")
