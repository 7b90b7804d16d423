"""``mlff predict``: the scores of the run, for images that nobody has labelled."""

import csv
import json
import shutil

import numpy as np
import pytest
from command_calls import TINY, call, refusal
from PIL import Image

from mlff_cli.data.files import natural
from mlff_cli.data.surfaces import draw
from mlff_cli.results.predictions_file import read
from mlff_cli.runs import predicting


@pytest.fixture
def images(run_folder, tmp_path):
    """The very images that the run was scored on, of one product, as files."""
    *_, part = [p for p in read(run_folder / "predictions.csv", "class", 3, "test")
                if p.experience == "woven_fabric"]  # fmt: skip
    size = next(int(word.split("=")[1]) for word in TINY if word.startswith("data.image_size"))
    for name in part.images:
        product, label, number = name.split("/")
        file = tmp_path / "new" / f"{label}_{number}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(draw(0, product, label, int(number), size)).save(file)
    return tmp_path / "new", part


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def named(part):
    return {"_".join(name.split("/")[1:]) + ".png": row for row, name in enumerate(part.images)}


def test_scores_and_decisions_are_those_of_the_run(run_folder, images, empty):
    folder, part = images
    words = ("predict", str(run_folder), str(folder), "product=woven_fabric", "output=told.csv")
    result = call(*words)
    assert result.code == 0, result.err
    found = rows(empty / "told.csv")
    places = named(part)
    assert len(found) == len(places)
    record = json.loads((run_folder / "run.json").read_text("utf-8"))
    (point,) = [p for p in record["points"] if p["experience"] == "woven_fabric"]
    assert point["threshold"] is None
    for row in found:
        place = places[row["path"].rpartition("/")[2]]
        scores = [float(row[f"score {name}"]) for name in part.outputs]
        np.testing.assert_allclose(scores, part.scores[place], atol=1e-5)
        assert (row["label"],) == part.predicted[place]
        defect = float(row["defect_score"])
        assert defect == pytest.approx(1 - float(row["score good"]))
        assert (row["decision"], row["threshold"]) == ("", "")  # nothing to choose it on
        assert row["adapters"] == record["digests"]["adapters/adapters.json"]
        assert len(row["content"]) == 64
        assert float(row["milliseconds"]) > 0
    assert sorted(path.name for path in empty.iterdir()) == ["told.csv"]


def test_an_unreadable_image_stops_no_other(run_folder, images, empty, monkeypatch):
    monkeypatch.setattr(predicting, "AT_ONCE", 4)  # several batches, the last one ragged
    folder, part = images
    (folder / "broken.png").write_bytes(b"\x89PNG")
    (folder / "photo.heic").write_bytes(b"x")
    words = ("predict", str(run_folder), str(folder), "gone.png", "product=woven_fabric")
    result = call(*words, "output=told.jsonl", "limit=2")
    assert result.code == 1
    assert "3 could not be read" in result.out
    assert f"the first 2 of {len(part) + 3} images" in result.out
    lines = [json.loads(line) for line in (empty / "told.jsonl").read_text("utf-8").splitlines()]
    problems = {
        line["path"].rpartition("/")[2]: line["problem"] for line in lines if line["problem"]
    }
    assert problems.keys() == {"broken.png", "photo.heic", "gone.png"}
    assert "does not exist" in problems["gone.png"]
    assert "HEIF" in problems["photo.heic"]
    assert all(line["label"] for line in lines if not line["problem"])


def test_what_is_missing_is_asked_for(run_folder, images, empty):
    folder, _ = images
    assert "product= is needed" in refusal("predict", str(run_folder), str(folder))
    wrong = refusal("predict", str(run_folder), str(folder), "product=woven_fabrik")
    assert "did you mean 'woven_fabric'?" in wrong
    assert "needs a run and images" in refusal("predict", str(run_folder))
    bad = ("product=woven_fabric", "output=told.txt")
    assert ".csv or .jsonl" in refusal("predict", str(run_folder), str(folder), *bad)
    assert "no image lies in this folder" in refusal("predict", str(run_folder), str(empty))
    assert "is no run folder" in refusal("predict", str(empty), str(folder))
    assert list(empty.iterdir()) == []


def test_images_of_16_bits_are_not_taken_for_those_of_8(run_folder, images, empty):
    wide = np.full((40, 40), 900, np.uint16)
    Image.fromarray(wide).save(empty / "wide.png")
    result = call("predict", str(run_folder), "wide.png", "product=woven_fabric")
    assert result.code == 1
    assert "has 16 bits, and the run was trained on images of 8 bits" in " ".join(
        result.out.split()
    )


def test_where_batches_share_a_head_the_last_one_is_the_line_as_it_is(tmp_path, empty):
    words = ("data.image_size=32", "data.images_per_class=8", "method.epochs=2")
    made = call("train", "task=component_misalignment", *words)
    assert made.code == 0, made.err
    (run,) = (empty / "runs" / "component_misalignment").iterdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(empty / "a.png")
    result = call("predict", str(run), "a.png", "output=told.csv")
    assert result.code == 0, result.err
    (row,) = rows(empty / "told.csv")
    assert row["product"] == "batch_5"
    points = {p["experience"]: p for p in json.loads((run / "run.json").read_text())["points"]}
    threshold = points["batch_5"]["threshold"]
    assert float(row["threshold"]) == threshold
    assert row["decision"] == ("defect" if float(row["defect_score"]) >= threshold else "ok")
    other = call("predict", str(run), "a.png", "product=batch_2", "output=other.csv")
    assert other.code == 0
    (earlier,) = rows(empty / "other.csv")
    assert earlier["product"] == "batch_2"
    assert earlier["label"] == row["label"]
    shutil.rmtree(run)


def test_pictures_show_where_the_network_looked(run_folder, images, empty):
    folder, _ = images
    words = ("predict", str(run_folder), str(folder), "product=woven_fabric", "overlays=where")
    result = call(*words)
    assert result.code == 0, result.err
    made = sorted((empty / "where").iterdir())
    files = sorted(folder.iterdir(), key=lambda path: natural(path.as_posix()))
    assert [path.name for path in made] == [
        f"{number:05d}_{path.stem}.png" for number, path in enumerate(files, start=1)
    ]
    for picture, file in zip(made, files, strict=True):
        with Image.open(picture) as glowing, Image.open(file) as plain:
            assert glowing.size == plain.size
            assert np.asarray(glowing)[..., 0].mean() > np.asarray(plain)[..., 0].mean()


def test_without_places_there_is_nothing_to_look_at(empty):
    words = (*TINY, "task=surface_defect", "method=mlff_linear", "schedule.heads=shared")
    made = call("train", *words, "data.labelling=good_defect")
    assert made.code == 0, made.err
    (run,) = (empty / "runs" / "surface_defect").iterdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(empty / "a.png")
    said = refusal("predict", str(run), "a.png", "overlays=where")
    assert "keeps nothing of places" in said
