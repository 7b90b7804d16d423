"""Answers from Python: those of the command, whatever form images come in."""

import numpy as np
import pandas as pd
import pytest
from command_calls import call, refusal
from PIL import Image
from small_products import told

from mlff_cli import UserError, predict
from mlff_cli.data.files import FileImage
from mlff_cli.runs.answer import content_of


def said(answers):
    """Return answers without what differs from call to call and between file and memory."""
    return answers.drop(columns=["milliseconds", "path", "content"])


def test_answers_are_those_of_the_command_in_its_columns(run, images, empty):
    words = [str(run.folder), *map(str, images), "product=auto", "output=told.csv"]
    assert call("predict", *words).code == 0
    answers = run.predict(images, product="auto")
    by_command = told()
    assert list(answers.columns) == list(by_command[0])
    for row, (_, answer) in zip(by_command, answers.iterrows(), strict=True):
        for name, cell in row.items():
            if name != "milliseconds":
                value = answer[name]
                assert cell == ("" if pd.isna(value) else str(value)), name


def test_paths_pictures_and_arrays_of_the_same_image_are_answered_alike(run, images):
    expected = said(run.predict(images, product="valve"))
    pictures = [Image.open(path) for path in images]
    arrays = [np.asarray(picture) for picture in pictures]
    for given in (pictures, arrays, np.stack(arrays), [pictures[0], arrays[1]], map(str, images)):
        assert said(run.predict(given, product="valve")).equals(expected)
    for given in (str(images[0]), images[0], pictures[0], arrays[0]):
        one = said(run.predict(given, product="valve"))
        # Another batch is rounded anew, and novelty counts whose distance is at least as large.
        shown = one.columns.difference(["novelty"])
        pd.testing.assert_frame_equal(one[shown], expected.loc[:0, shown], rtol=1e-6)


def test_a_folder_stands_for_its_images_and_a_path_is_told_once(run, images):
    folder = images[0].parent
    answers = run.predict([folder, images[0]], product="valve")
    assert answers["path"].tolist() == [str(folder / f"{number}.png") for number in range(8)]


def test_images_in_memory_are_told_apart_by_their_pixels(run):
    array = np.zeros((20, 30, 3), np.uint8)
    answers = run.predict([array, array, array.copy().reshape(30, 20, 3)], product="valve")
    assert answers["path"].tolist() == ["image 0", "image 1", "image 2"]
    first, second, third = answers["content"]
    assert first == second != third


def test_names_stay_text(run, images, root):
    answers = run.predict(root / "007" / "good" / "1.png", product="007")
    assert answers["product"].item() == "007"
    assert set(run.predictions["experience"]) == {"007", "valve"}
    assert run.scores("mAP").columns.tolist() == ["007", "valve"]


def test_an_image_that_cannot_be_read_says_why_and_the_others_are_answered(run, images, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(images[0].read_bytes()[:200])
    gone = tmp_path / "gone.png"
    given = [images[0], broken, gone, Image.open(images[1]), np.zeros((4, 4), np.uint8)]
    answers = run.predict(given, product="valve")
    problems = answers["problem"].tolist()
    assert problems[0] == problems[3] == ""
    assert "truncated" in problems[1] and "does not exist" in problems[2]
    assert problems[4] == "is 4 x 4, smaller than 8 x 8 pixels"
    assert answers["label"].tolist()[1:3] == ["", ""]
    assert answers["label"].iloc[0] and answers["label"].iloc[3]


def test_wide_values_are_refused_by_a_run_that_has_seen_none(run):
    wide = np.full((20, 20), 4000, np.uint16)
    problem = run.predict(wide, product="valve")["problem"].item()
    assert "has 16 bits" in problem


def test_keys_are_words_or_values_and_wrong_ones_are_refused(run, images):
    key = {"decision": {"novelty": 0.3}}
    by_value = said(run.predict(images, product="valve", **key))
    assert said(run.predict(images, "product=valve", "decision.novelty=0.3")).equals(by_value)
    with pytest.raises(UserError, match=r"product= is needed"):
        run.predict(images)
    with pytest.raises(UserError, match=r"did you mean 'decision\.novelty'"):
        run.predict(images, decisions={"novelty": 0.3})
    with pytest.raises(UserError, match="output: is for the command line"):
        run.predict(images, product="valve", output="told.csv")


@pytest.mark.parametrize(
    "given", [[], 3, None, [3], [None], np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3))]
)
def test_what_is_no_image_is_refused(run, given):
    with pytest.raises(UserError, match=r"give (paths|uint8)"):
        run.predict(given, product="valve")


def test_a_run_by_its_folder_and_a_bundle_answer(run, images, empty):
    expected = said(run.predict(images, product="valve"))
    assert said(predict(run, images, product="valve")).equals(expected)
    assert said(predict(run.folder, images, product="valve")).equals(expected)
    assert call("pack", str(run.folder), "output=line.mlff").code == 0
    bundled = predict("line.mlff", [np.asarray(Image.open(p)) for p in images], product="valve")
    assert bundled["label"].equals(expected["label"])
    with pytest.raises(UserError) as error:
        predict("nowhere", images)
    assert str(error.value) == refusal("predict", "nowhere", str(images[0]))


def test_a_run_stays_in_memory_between_calls(run, images, monkeypatch):
    run.predict(images, product="valve")
    monkeypatch.setattr("mlff_cli.runs.opening.deployed_of", None)
    run.predict(images, product="007")
    run.overlay(images[0], product="auto")


def test_where_it_looked_is_drawn_over_the_image(run, images, tmp_path):
    drawn = run.overlay(images[0], product="valve")
    assert drawn.mode == "RGB" and drawn.size == Image.open(images[0]).size
    assert drawn.tobytes() != Image.open(images[0]).convert("RGB").tobytes()
    assert run.overlay(Image.open(images[0]), product="valve").tobytes() == drawn.tobytes()
    with pytest.raises(UserError, match="does not exist"):
        run.overlay(tmp_path / "gone.png", product="valve")


def test_content_of_a_file_is_its_hash(images):
    import hashlib

    assert content_of(FileImage(images[0])) == hashlib.sha256(images[0].read_bytes()).hexdigest()
