import numpy as np
import pytest
from PIL import Image

from mlff_cli.data.csv import Csv
from mlff_cli.data.folder import Folder
from mlff_cli.errors import UserError


def image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16)).save(path)


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
    image(tmp_path / "stray.png")
    (tmp_path / "p" / "good" / "notes.txt").touch()
    assert len(Folder(root=str(tmp_path)).records()) == 1
    assert "stray.png" in caplog.text and "ignored" in caplog.text


def test_an_empty_class_is_named(tmp_path):
    image(tmp_path / "p" / "good" / "a.png")
    (tmp_path / "p" / "scratch").mkdir()
    with pytest.raises(UserError, match=r"class 'scratch' has no image.*it is empty"):
        Folder(root=str(tmp_path)).records()
    (tmp_path / "p" / "scratch" / "raw.heic").touch()
    with pytest.raises(UserError, match=r"class 'scratch' has no image.*it holds raw\.heic"):
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
