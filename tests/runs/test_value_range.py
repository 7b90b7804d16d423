"""One range for all 16-bit images of a data set."""

import hashlib
import pickle
import struct
import zlib

import numpy as np
import pytest
from configs_for_tests import small_config
from PIL import Image

from mlff_cli.config.shipped import shipped
from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.images import decoding
from mlff_cli.runs import value_range
from mlff_cli.runs.listing import listing_of
from mlff_cli.runs.value_range import in_one_range
from mlff_cli.tasks.record import Record


def saved(path, largest, kind=np.uint16):
    """Write a grey ramp from 0 to the largest value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.linspace(0, largest, 256).reshape(16, 16).astype(kind)).save(path)
    return Record(path.name, FileImage(path))


def listing(tmp_path, **keys):
    config = small_config(tmp_path, data="folder", keys={"data.root": str(tmp_path / "images")})
    config["data"] |= keys
    return listing_of(config)


@pytest.mark.parametrize(
    ("largest", "bits"),
    [(0, 8), (255, 8), (256, 10), (1023, 10), (4000, 12), (4095, 12), (4096, 14), (16383, 14),
     (16384, 16), (65535, 16)],
)  # fmt: skip
def test_the_range_is_rounded_up_to_a_depth_that_cameras_have(tmp_path, largest, bits):
    record = saved(tmp_path / "a.png", largest)
    (found,), chosen = in_one_range([record], "auto", None)
    assert (chosen, found.image.bits) == (bits, bits)
    expected = np.rint(np.asarray(Image.open(tmp_path / "a.png")) * 255.0 / (2**bits - 1))
    np.testing.assert_array_equal(found.image.load()[:, :, 0], expected)


def test_all_images_of_a_data_set_have_one_range_and_it_is_told(tmp_path, caplog):
    caplog.set_level("INFO")
    for name, largest in (("good/a.png", 1000), ("good/b.tif", 500), ("bad/c.png", 4000)):
        saved(tmp_path / "images" / name, largest)
    saved(tmp_path / "images" / "bad" / "d.png", 200, np.uint8)
    found = listing(tmp_path)
    brightest = {r.name: int(r.image.load().max()) for r in found.records}
    assert brightest == {"bad/c.png": 249, "bad/d.png": 200, "good/a.png": 62, "good/b.tif": 31}
    assert found.bits == 12
    assert "3 of 4 images have 16 bits, with values up to 4000" in caplog.text
    assert "scaled from 0 to 4095 (data.bits=12)" in caplog.text
    assert found.contents == [r.image.identity() for r in found.records]


def test_images_of_8_and_of_true_16_bits_are_what_they_were(tmp_path, caplog):
    caplog.set_level("INFO")
    eight, sixteen = tmp_path / "images/a/8.png", tmp_path / "images/b/16.png"
    saved(eight, 90, np.uint8)
    saved(sixteen, 65535)
    found = listing(tmp_path)
    assert [r.image for r in found.records] == [FileImage(eight), FileImage(sixteen)]
    values = np.asarray(Image.open(sixteen)).astype(np.uint32)
    np.testing.assert_array_equal(found.records[1].image.load()[:, :, 0], (values + 128) // 257)
    assert found.contents == [hash_of_bytes(path) for path in (eight, sixteen)]
    sixteen.unlink()
    saved(tmp_path / "images/b/8.png", 90, np.uint8)
    caplog.clear()
    assert listing(tmp_path).bits is None
    assert caplog.messages == []


def hash_of_bytes(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_another_range_is_another_content(tmp_path):
    saved(tmp_path / "images/a/1.png", 900)
    saved(tmp_path / "images/b/2.png", 4000)
    narrow, wide = listing(tmp_path), listing(tmp_path, bits=16)
    assert (narrow.bits, wide.bits) == (12, 16)
    assert not set(narrow.contents) & set(wide.contents)
    assert narrow.digest != wide.digest
    image = narrow.records[0].image
    assert pickle.loads(pickle.dumps(image)) == image
    assert image != wide.records[0].image


def test_a_value_beyond_the_range_that_was_asked_for_is_refused(tmp_path):
    saved(tmp_path / "images/a/1.png", 5000)
    with pytest.raises(UserError, match=r"1\.png: has values up to 5000.*set data\.bits=14"):
        listing(tmp_path, bits=12)
    with pytest.raises(UserError, match=r"1\.png: has values up to 5000, more than 12 bits hold"):
        FileImage(tmp_path / "images/a/1.png", 12).load()


def test_files_are_looked_at_once(tmp_path, monkeypatch):
    record = saved(tmp_path / "a.png", 4000)
    other = saved(tmp_path / "b.png", 90, np.uint8)
    clock = "mlff_cli.images.remembered.time.time_ns"
    monkeypatch.setattr(clock, lambda: record.image.path.stat().st_mtime_ns + 10**10)
    before = in_one_range([record, other], "auto", tmp_path / "store")
    monkeypatch.setattr(value_range, "wide_values", lambda path: pytest.fail(f"{path} again"))
    assert in_one_range([record, other], "auto", tmp_path / "store") == before
    assert before[1] == 12


def test_12_bits_in_channels_of_colour_are_refused_unless_they_are_wanted_dark(tmp_path):
    path = tmp_path / "a.png"
    write_wide_colours(path, 4000)
    record = Record("a.png", FileImage(path))
    with pytest.raises(UserError, match=r"a\.png and 0 more: have 12-bit values.*data\.bits=16"):
        in_one_range([record], "auto", None)
    assert in_one_range([record], 16, None) == ([record], 16)
    write_wide_colours(path, 65535)
    assert in_one_range([record], "auto", None) == ([record], 16)


def write_wide_colours(path, value):
    """Write a PNG of 16 bits per channel, which Pillow does not."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = (b"\0" + struct.pack(">H", value) * 16 * 3) * 16
    header = struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    assert decoding.decode(path).max() == value >> 8


def test_every_data_set_of_files_has_the_key():
    for name in ("csv", "folder", "elpv", "neu_cls", "magnetic_tile", "real_surfaces"):
        assert shipped(f"dataset/{name}")["bits"] == "auto"
