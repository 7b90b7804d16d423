"""``mlff evaluate``: the same scores again, and other images."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from command_calls import TINY, call, refusal, scores
from PIL import Image
from tiny_task import TINY as CUSTOM

from mlff_cli.results.predictions_file import read


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
    page = Path(result.out.split()[-1])
    assert page.parent.parent == Path("runs/evaluations")
    assert {file.name for file in page.parent.iterdir() if file.name[0] != "."} == {
        "report.html", "predictions.csv", "figures.csv",
    }  # fmt: skip
    (part,) = read(page.with_name("predictions.csv"), "class")
    assert sorted(part.images) == [
        f"brushed_metal/{label}/{number}.png" for label in ("good", "scratch") for number in (0, 1)
    ]
    figures = page.with_name("figures.csv").read_text("utf-8")
    assert "brushed_metal,any defect,AUROC" in figures
    assert "brushed_metal,,escape,at max_escape=0.02" in figures
    again = call("evaluate", str(run_folder), "dataset=folder", f"data.root={pictures}")
    assert again.out.split()[-1] == str(page)


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


OWN = ("task=custom", "data.image_size=32", "method.epochs=1", "trainer.workers=0")


@pytest.fixture
def own_run(pictures, empty):
    """A finished run on images of one's own; both may be moved."""
    for label in ("good", "scratch"):
        folder = pictures / "brushed_metal" / label
        for number in range(2, 6):
            shade = 60 + 20 * number + (100 if label == "good" else 0)
            Image.new("L", (40, 40), shade % 256).save(folder / f"{number}.png")
    assert call("train", *OWN, f"data.root={pictures}").code == 0
    (folder,) = (empty / "runs" / "custom").iterdir()
    return folder


def test_images_and_folder_may_have_moved(own_run, pictures, tmp_path):
    moved = own_run.rename(tmp_path / "a run")
    pictures.rename(tmp_path / "archive")
    assert "data.root" in refusal("evaluate", str(moved))
    result = call("evaluate", str(moved), f"data.root={tmp_path / 'archive'}")
    assert result.code == 0, result.err
    assert all(abs(now - saved) <= 1e-6 for now, saved in scores(result.out).values())
    result = call("verify", str(moved), f"data.root={tmp_path / 'archive'}", "trainer.device=cpu")
    assert result.code == 0, result.out


def test_other_images_in_the_place_of_its_own_are_refused(own_run, pictures):
    Image.new("L", (40, 40), 7).save(pictures / "brushed_metal" / "good" / "2.png")
    said = refusal("evaluate", str(own_run))
    assert "1 images have another content" in said and "good/2.png" in said and "data.root" in said
    assert "1 images have another content" in call("verify", str(own_run)).out


def test_images_that_a_run_was_trained_on_are_not_scored_as_others_unless_told(own_run, pictures):
    """Seen: .827 where unknown images gave .579."""
    words = ("evaluate", str(own_run), "dataset=folder", f"data.root={pictures}")
    said = refusal(*words)
    count = (own_run / "splits.csv").read_text().count(",train,")
    assert f"trained on {count} of these 12 images" in said and "score_trained_images=true" in said
    assert call(*words, "score_trained_images=true").code == 0
    for row in (own_run / "splits.csv").read_text().splitlines()[1:]:
        name, split = row.split(",")[:2]
        if split == "train":
            (pictures / name).unlink()
    assert call(*words).code == 0


def test_a_key_that_the_runs_data_do_not_have_is_named(run_folder, empty):
    assert "dataset=surfaces" in refusal("evaluate", str(run_folder), "data.root=images")


def wide_pictures(root, largest):
    """Write 16-bit pictures of two classes of one product, with values up to the largest."""
    draw = np.random.default_rng(largest)
    for label in ("good", "scratch"):
        (root / "bolt" / label).mkdir(parents=True)
        for number in range(4):
            pixels = draw.integers(0, largest, (24, 24), dtype=np.uint16)
            pixels[0, 0] = largest
            Image.fromarray(pixels).save(root / "bolt" / label / f"{number}.png")
    return f"data.root={root}"


def test_other_16_bit_images_are_as_bright_as_they_were_in_training(tmp_path, empty):
    own = wide_pictures(tmp_path / "own", 4000)
    result = call("train", *CUSTOM, own)
    assert result.code == 0, result.err
    (run,) = (empty / "runs" / "custom").iterdir()
    assert "16-bit images are scaled from 12 bits" in (run / "log.txt").read_text()
    for kept, said in ((4, "scaled from 0 to 4095"), (1, "images are gone")):
        for file in list((tmp_path / "own/bolt/good").iterdir())[kept:]:
            file.unlink()
        found = call("evaluate", str(run), own)
        assert said in found.out + found.err
    other = wide_pictures(tmp_path / "dark", 900)
    found = call("evaluate", str(run), "dataset=folder", other)
    assert found.code == 0 and "scaled from 0 to 4095 (data.bits=12)" in found.out
    found = call("evaluate", str(run), "dataset=folder", other, "data.bits=10")
    assert found.code == 0 and "scaled from 0 to 1023 (data.bits=10)" in found.out
    bright = wide_pictures(tmp_path / "bright", 9000)
    said = refusal("evaluate", str(run), "dataset=folder", bright)
    assert "has values up to 9000, more than data.bits=12 hold" in said


def test_where_classes_arrive_all_of_them_are_scored_together_again(empty):
    words = (*TINY, "task=surface_defect", "schedule=by_class",
             "schedule.classes_per_experience=6", "method=closed_form")  # fmt: skip
    words = tuple(word for word in words if not word.startswith("method."))
    made = call("train", *words)
    assert made.code == 0, made.err
    (run,) = (empty / "runs" / "surface_defect").iterdir()
    result = call("evaluate", str(run))
    assert result.code == 0, result.err
    found = scores(result.out)
    now, saved = found["all experiences together", "mAP"]
    assert now == pytest.approx(saved)
    assert call("verify", str(run)).code == 0
