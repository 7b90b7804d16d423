import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlff_cli.images.decoding import (
    SUFFIXES,
    ImageProblem,
    decode,
    decoding_problem,
    header_problem,
)


def gradient(height=12, width=20):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 8, columns * 8, rows + columns], axis=2).astype(np.uint8)


def noise():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "PNG"])
def test_lossless_formats_give_the_pixels(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(gradient()).save(path, lossless=True)
    pixels = decode(path)
    assert pixels.dtype == np.uint8 and pixels.flags.writeable
    np.testing.assert_array_equal(pixels, gradient())


def test_every_suffix_is_one_that_pillow_saves_in_a_format_that_is_read(tmp_path):
    for suffix in SUFFIXES:
        path = tmp_path / f"a{suffix}"
        Image.fromarray(gradient(64, 64)).save(path, Image.registered_extensions()[suffix])
        assert decode(path).shape == (64, 64, 3), suffix


def test_what_a_file_holds_counts_more_than_its_name(tmp_path):
    Image.fromarray(gradient()).save(tmp_path / "a.raw", "PNG")
    np.testing.assert_array_equal(decode(tmp_path / "a.raw"), gradient())


def test_jpeg_2000_without_loss_gives_the_pixels(tmp_path):
    Image.fromarray(gradient(64, 64)).save(tmp_path / "a.jp2", irreversible=False)
    np.testing.assert_array_equal(decode(tmp_path / "a.jp2"), gradient(64, 64))


def test_grey_becomes_three_equal_channels(tmp_path):
    Image.fromarray(gradient()[:, :, 0]).save(tmp_path / "a.png")
    pixels = decode(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels, np.repeat(gradient()[:, :, :1], 3, axis=2))


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
def test_16_bits_are_scaled_and_not_clipped(tmp_path, suffix):
    wide = np.linspace(0, 65535, 12 * 20).astype(np.uint16).reshape(12, 20)
    Image.fromarray(wide).save(tmp_path / f"a.{suffix}")
    pixels = decode(tmp_path / f"a.{suffix}")
    assert pixels.min() == 0 and pixels.max() == 255
    np.testing.assert_array_equal(pixels[:, :, 1], np.rint(wide / 257))


def test_32_bit_and_float_pixels_are_refused(tmp_path):
    Image.fromarray(np.full((9, 9), 70000, dtype=np.int32)).save(tmp_path / "a.tiff")
    Image.fromarray(np.ones((9, 9), dtype=np.float32)).save(tmp_path / "b.tiff")
    assert "32-bit" in (decoding_problem(tmp_path / "a.tiff") or "")
    assert "floating-point" in (header_problem(tmp_path / "b.tiff") or "")


def test_palette_colours_are_looked_up(tmp_path):
    image = Image.fromarray((np.arange(100) % 2).astype(np.uint8).reshape(10, 10))
    image.putpalette([250, 10, 20, 0, 0, 200])
    image.save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "P"
    assert decode(tmp_path / "a.png")[0, :2].tolist() == [[250, 10, 20], [0, 0, 200]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_shows_white(tmp_path, mode):
    image = Image.new(mode, (10, 10), (0,) * len(mode))
    image.save(tmp_path / "a.png")
    assert (decode(tmp_path / "a.png") == 255).all()


def test_half_transparent_palette_is_mixed_with_white(tmp_path):
    image = Image.new("P", (10, 10), 0)
    image.putpalette([0, 0, 0])
    image.save(tmp_path / "a.png", transparency=bytes([128]))
    assert np.unique(decode(tmp_path / "a.png")).tolist() == [127]


def test_cmyk_and_one_bit(tmp_path):
    Image.new("CMYK", (10, 10), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    red, green, blue = decode(tmp_path / "a.jpg")[5, 5]
    assert red > 230 and green < 25 and blue < 25
    Image.fromarray(np.eye(10) > 0).save(tmp_path / "b.png")
    np.testing.assert_array_equal(decode(tmp_path / "b.png")[:, :, 2], np.eye(10) * 255)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_exif_orientation_is_applied(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    Image.fromarray(gradient()).save(tmp_path / f"a.{suffix}", exif=exif)
    turned = decode(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(turned, np.rot90(gradient(), k=-1))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_exif_does_not_spoil_the_pixels(tmp_path):
    noise().save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\xff\xff\xff")
    assert decode(tmp_path / "a.jpg").shape == (64, 64, 3)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_several_pages_or_frames_are_refused_and_one_is_not(tmp_path, suffix):
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue", "lime")]
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    for problem in (header_problem(path), decoding_problem(path)):
        assert "holds 3 pages or frames" in (problem or "")
        assert "files of their own" in (problem or "")
    frames[0].save(path, save_all=True)
    red, _, blue = decode(path)[5, 5]
    assert red > 200 and blue < 50


def test_the_preview_that_a_telephone_adds_to_a_jpeg_is_no_page(tmp_path):
    photograph, preview = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue"))
    photograph.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[preview])
    assert Image.open(tmp_path / "a.jpg").format == "MPO"
    assert decode(tmp_path / "a.jpg")[5, 5, 0] > 200


@pytest.mark.parametrize(
    ("name", "words"),
    [("a.heic", "is HEIF"), ("b.DNG", "is camera raw"), ("c.avif", "is AVIF"), ("d.mp4", "video")],
)
@pytest.mark.parametrize("format", ["TIFF", None])
def test_images_that_are_not_supported_are_told_by_their_names(tmp_path, name, words, format):
    if format:
        Image.fromarray(gradient()).save(tmp_path / name, format)  # as camera raw files are
    else:
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic")
    for problem in (header_problem(tmp_path / name), decoding_problem(tmp_path / name)):
        assert words in (problem or "")
        assert "not supported; convert it to PNG" in (problem or "")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tiff", "webp", "jp2"])
def test_truncated_data_is_told(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    noise().save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageProblem):
        decode(path)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff", "gif", "bmp", "jp2"])
def test_damaged_bytes_never_escape_as_another_error(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    noise().save(path)
    whole = path.read_bytes()
    random = np.random.default_rng(1)
    for _ in range(30):
        damaged = bytearray(whole)
        for position in random.integers(0, min(len(damaged), 400), 4):
            damaged[position] = int(random.integers(256))
        path.write_bytes(damaged[: random.integers(1, len(damaged))])
        decoding_problem(path)  # a problem or none, but no exception


def test_files_that_are_no_images(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("path,label\n")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to("nowhere.png")
    (tmp_path / "circle.png").symlink_to("circle.png")
    os.mkfifo(tmp_path / "pipe.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "small.png")
    expected = {
        "empty.png": "empty (0 bytes)",
        "text.png": "is not an image",
        "folder.png": "is a folder",
        "link.png": "link to nowhere.png",
        "circle.png": "cannot be read",
        "pipe.png": "pipe",
        "small.png": "is 1 x 1, smaller than 8 x 8 pixels",
        "vanished.png": "does not exist",
    }
    for name, words in expected.items():
        assert words in (header_problem(tmp_path / name) or ""), name


def test_a_script_named_like_an_image_is_not_run(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n")
    assert "is not an image" in (header_problem(path) or "")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_001, 20_000])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, side):
    Image.new("1", (side, side)).save(tmp_path / "a.png")
    assert "more than 100 megapixels" in (header_problem(tmp_path / "a.png") or "")
    assert "more than 100 megapixels" in (decoding_problem(tmp_path / "a.png") or "")


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX permissions")
def test_an_unreadable_file_is_told():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "a.png"
        noise().save(path)
        path.chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # permissions do not hold for root
        try:
            problem = header_problem(path)
        finally:
            os.seteuid(user)
    assert "permission denied" in (problem or "")
