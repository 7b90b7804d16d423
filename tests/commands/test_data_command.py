"""``mlff data check`` on images that are photographed several times."""

import csv

import numpy as np
import pytest
from command_calls import call
from PIL import Image, ImageFilter

COMMON = ("dataset=csv", "data.image_size=48", "trainer.workers=0", "task=custom")


def photographs(root, grouped):
    """Write sixty spots under three exposures each, good or bad, and their manifest."""
    random = np.random.default_rng(0)
    rows = ["path,label,group"]
    for spot in range(60):
        noise = Image.fromarray(random.integers(0, 256, (48, 48, 3), dtype=np.uint8))
        blurred = noise.filter(ImageFilter.GaussianBlur(1 + spot % 4))
        for exposure in (0.8, 1.0, 1.2):
            name = f"spot{spot:02d}_{exposure}.png"
            blurred.point(lambda value, gain=exposure: int(value * gain)).save(root / name)
            group = f"spot{spot}" if grouped else ""
            rows.append(f"{name},{'good' if spot % 2 else 'bad'},{group}")
    manifest = root / "list.csv"
    manifest.write_text("\n".join(rows) + "\n")
    return manifest


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch, cache):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def duplicates(tmp_path):
    (path,) = tmp_path.glob("here/runs/custom/data-check-*/duplicates.csv")
    with path.open(encoding="utf-8") as file:
        return path.parent, list(csv.DictReader(file))


def test_exposures_of_one_spot_on_both_sides_fail_the_check(tmp_path):
    manifest = photographs(tmp_path, grouped=False)
    result = call("data", "check", *COMMON, f"data.file={manifest}")
    assert result.code == 1, result.err
    assert "WARNING: the split leaks" in result.out
    folder, found = duplicates(tmp_path)
    assert len(found) > 20
    same = [row["scored"][:6] == row["trained"][:6] for row in found]
    assert all(same) and all(row["kind"] == "near" for row in found)
    assert all(0.8 < float(row["similarity"]) <= 1.001 for row in found)
    assert Image.open(folder / "duplicates.png").size[0] > 400
    report = (folder / "report.md").read_text()
    assert "| all | train |" in report and "50.0 %" in report and "near-duplicates" in report


def test_a_split_by_spot_passes(tmp_path):
    manifest = photographs(tmp_path, grouped=True)
    result = call("data", "check", *COMMON, f"data.file={manifest}")
    assert result.code == 0, result.out
    folder, found = duplicates(tmp_path)
    assert found == [] and not (folder / "duplicates.png").exists()
    assert "split: no near-duplicates between train and test" in result.out
    said = "backbone: nearest neighbours "
    assert said in result.out and said in (folder / "report.md").read_text()
    assert "## Levels of efficientnet_lite0" in (folder / "report.md").read_text()
    # The run says it as well, in a line of its own.
    result = call("train", *COMMON, f"data.file={manifest}", "method.epochs=1")
    (run,) = (tmp_path / "here/runs/custom").glob("mlff-*")
    line = "split: no near-duplicates between train and test"
    assert result.code == 0 and line in (run / "results.md").read_text().splitlines()


def test_exact_copies_and_unreadable_files_are_told(tmp_path):
    manifest = photographs(tmp_path, grouped=True)
    copied = (tmp_path / "spot00_1.0.png").read_bytes()
    (tmp_path / "copy.png").write_bytes(copied)
    (tmp_path / "spot59_1.2.png").write_bytes(copied[:300])
    text = manifest.read_text().replace("path,label,group", "path,label,group,split")
    lines = text.splitlines()
    lines = [lines[0], *(f"{line},{'train' if 'spot00' in line else ''}" for line in lines[1:])]
    manifest.write_text("\n".join([*lines, "copy.png,bad,,test"]) + "\n")
    result = call("data", "check", *COMMON, f"data.file={manifest}")
    assert result.code == 1
    assert "1 images cannot be read" in result.out and "spot59_1.2.png" in result.out
    folder, found = duplicates(tmp_path)
    exact = [row for row in found if row["kind"] == "exact"]
    assert [(row["scored"], row["trained"]) for row in exact] == [("copy.png", "spot00_1.0.png")]
    assert "spot59_1.2.png" in (folder / "report.md").read_text()


def test_data_has_one_action(tmp_path):
    result = call("data", "task=surface_defect")
    assert result.code == 2 and "mlff data check" in result.err
    assert list((tmp_path / "here").iterdir()) == []


def test_the_floor_of_numbers_is_told_for_each_of_them(tmp_path):
    words = ("task=component_offsets", "data.image_size=32", "data.images_per_class=8")
    result = call("data", "check", *words)
    assert "majority" not in result.out
    (report,) = tmp_path.glob("here/runs/component_offsets/data-check-*/*.md")
    floors = report.read_text(encoding="utf-8").split("## Trivial floors")[1].split("##")[0]
    for name in ("dx_pixels", "dy_pixels", "angle_degrees"):
        assert f"mae {name} of the median" in floors.replace("\\", "")
    assert floors.count("batch_") == 5
