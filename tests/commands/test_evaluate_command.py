"""``mlff evaluate``: the same scores again, and other images."""

import shutil

import numpy as np
import pytest
from command_calls import call, refusal, scores
from PIL import Image


@pytest.fixture
def pictures(tmp_path):
    """Pictures of two of the classes that the run knows, for one of its products."""
    draw = np.random.default_rng(0)
    for label in ("good", "scratch"):
        folder = tmp_path / "more" / "brushed_metal" / label
        folder.mkdir(parents=True)
        for number in range(2):
            pixels = draw.integers(0, 255, (48, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "more"


@pytest.mark.parametrize("form", ["{}", "run={}", "{}/"])
def test_a_run_scores_the_same_again(run_folder, empty, form):
    before = {path: path.stat().st_mtime_ns for path in run_folder.rglob("*")}
    result = call("evaluate", form.format(run_folder))
    assert result.code == 0, result.err
    found = scores(result.out)
    assert len(found) == 6
    assert all(abs(now - saved) <= 1e-6 for now, saved in found.values())
    assert {path: path.stat().st_mtime_ns for path in run_folder.rglob("*")} == before
    assert list(empty.iterdir()) == []


def test_a_folder_is_found_from_where_the_user_is(workplace, run_folder, monkeypatch):
    monkeypatch.chdir(workplace)
    assert call("evaluate", f"runs/surface_defect/{run_folder.name}").code == 0
    monkeypatch.chdir(run_folder)
    assert call("evaluate", ".").code == 0


def test_other_images_are_read_by_the_head_of_their_name(run_folder, pictures, empty):
    result = call("evaluate", str(run_folder), "dataset=folder", f"data.root={pictures}")
    assert result.code == 0, result.err
    assert {experience for experience, _ in scores(result.out)} == {"brushed_metal"}
    assert "dataset=folder" in result.out
    assert list(empty.iterdir()) == []


def test_use_head_chooses_who_reads_other_images(run_folder, pictures, empty):
    (pictures / "brushed_metal").rename(pictures / "steel")
    words = ("evaluate", str(run_folder), "dataset=folder", f"data.root={pictures}")
    said = refusal(*words)
    assert "no head is named 'steel'" in said and "use_head" in said and "woven_fabric" in said
    assert "did you mean 'brushed_metal'?" in refusal(*words, "use_head=brushed_metl")
    chosen = call(*words, "use_head=brushed_metal")
    assert chosen.code == 0
    assert {experience for experience, _ in scores(chosen.out)} == {"steel"}


def test_other_images_with_a_class_that_no_output_has_are_refused(run_folder, pictures, empty):
    (pictures / "brushed_metal" / "good").rename(pictures / "brushed_metal" / "rust")
    assert "rust" in refusal("evaluate", str(run_folder), "dataset=folder", f"data.root={pictures}")


def test_a_run_that_is_not_finished_is_refused(run_folder, tmp_path, empty):
    copy = shutil.copytree(run_folder, tmp_path / "copy")
    (copy / "DONE").unlink()
    assert "is not finished" in refusal("evaluate", str(copy))


def test_a_config_that_was_changed_by_hand_is_named(run_folder, tmp_path, empty):
    copy = shutil.copytree(run_folder, tmp_path / "copy")
    config = copy / "config.yaml"
    config.write_text(config.read_text().replace("epochs:", "epoch:"))
    said = refusal("evaluate", str(copy))
    assert str(config) in said and "did you mean 'method.epochs'?" in said
