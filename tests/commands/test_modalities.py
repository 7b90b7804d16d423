"""A run on visual and thermal images, and what is answered where one of them is missing."""

import csv
import shutil
from pathlib import Path

import pytest
from command_calls import call, refusal
from PIL import Image

from mlff_cli.config.composition import compose_config
from mlff_cli.config.saved import read_config
from mlff_cli.data.surfaces_thermal import draw
from mlff_cli.runs.identity import config_digest

WORDS = ("task=custom", "method.epochs=2", "backbone.engine=torch")
SMALL = ("data.image_size=32", "data.images_per_class=6")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a run of the drawn set, and images of four new parts as files."""
    folder = tmp_path_factory.mktemp("modalities")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = call("train", "dataset=surfaces_thermal", *SMALL, *WORDS)
        assert result.code == 0, result.err
        (folder / "runs/custom").rename(folder / "runs/drawn")
        for number in range(4):
            for name in ("visual", "thermal"):
                save(folder / "new" / f"{number}_{name}.png", number, name)
        (folder / "new/1_thermal.png").unlink()
        (folder / "new/2_visual.png").unlink()
        yield folder


def save(path, number, modality, label="void"):
    path.parent.mkdir(parents=True, exist_ok=True)
    parameters = {"generator_seed": 5, "product": "brushed_metal", "image_size": 32}
    pixels = draw(label=label, index=number, modality=modality, **parameters)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def run(place, monkeypatch):
    monkeypatch.chdir(place)
    (folder,) = (place / "runs/drawn").iterdir()
    return str(folder)


def answered(run, *words):
    result = call("predict", run, *words, "output=answers.csv")
    assert result.code == 0, result.err
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        return result.out, list(csv.DictReader(file))


def test_the_run_says_what_it_read_and_scores_again_as_it_did(run):
    assert read_config(Path(run))["data"]["modalities"] == ["visual", "thermal"]
    assert call("evaluate", f"run='{run}'").code == 0
    assert call("verify", run).code == 0


@pytest.mark.parametrize("product", ["brushed_metal", "auto"])
def test_a_missing_modality_is_allowed_and_said(run, product):
    out, answers = answered(run, "new", f"product={product}")
    assert [answer["path"] for answer in answers] == [
        f"new/{name}.png" for name in ("0_visual", "1_visual", "2_thermal", "3_visual")
    ]
    assert [answer["missing"] for answer in answers] == ["", "thermal", "visual", ""]
    assert all(answer["label"] and not answer["problem"] for answer in answers)
    # Nothing tells how unlike the training images a part is of which one image is missing.
    assert [answer["novelty"] == "" for answer in answers] == [False, True, True, False]
    assert "1 answered without thermal" in out and "1 answered without visual" in out


def test_an_answer_depends_on_no_other_part_and_a_list_says_the_same(run):
    _, together = answered(run, "new", "product=brushed_metal")
    text = "path_visual,path_thermal\nnew/1_visual.png,\nnew/0_visual.png,new/0_thermal.png\n"
    Path("list.csv").write_text(text, encoding="utf-8")
    _, listed = answered(run, "list.csv", "product=brushed_metal")
    for answer, other in zip(listed, [together[1], together[0]], strict=True):
        for key in ("path", "content", "label", "decision", "missing"):
            assert answer[key] == other[key], key
        scores = [key for key in answer if key.startswith("score ")]
        assert [float(answer[key]) for key in scores] == pytest.approx(
            [float(other[key]) for key in scores], abs=1e-5
        )


def test_a_part_that_cannot_be_read_does_not_stop_the_others(run, tmp_path):
    shutil.copytree("new", tmp_path / "new")
    (tmp_path / "new/3_thermal.png").write_bytes(b"no image")
    result = call("predict", run, str(tmp_path / "new"), "product=brushed_metal")
    assert result.code == 1 and "1 could not be read" in result.out


def test_a_bundle_answers_as_the_run_does(run, tmp_path):
    assert call("pack", run, f"output={tmp_path}/line.mlff").code == 0
    _, of_run = answered(run, "new", "product=brushed_metal")
    _, of_bundle = answered(f"{tmp_path}/line.mlff", "new", "product=brushed_metal")
    for one, other in zip(of_run, of_bundle, strict=True):
        assert {k: one[k] for k in ("label", "missing", "novelty", "decision")} == {
            k: other[k] for k in ("label", "missing", "novelty", "decision")
        }


def test_what_takes_one_image_is_refused_in_one_message(run):
    assert "takes one image of each part" in refusal(
        "export", run, "product=brushed_metal", "output=x.onnx"
    )
    assert "nothing tells when all of them have arrived" in refusal(
        "predict", run, "--watch", "new", "output=watched.csv", "product=auto"
    )
    assert "nothing of places" in refusal("predict", run, "new", "product=auto", "overlays=seen")
    assert "learns from one image" in refusal(
        "train", "dataset=surfaces_thermal", *SMALL, *WORDS, "method=finetune"
    )
    assert "end in _visual, _thermal" in refusal("predict", run, "new/0.png", "product=auto")
    assert "the run reads visual, thermal" in refusal(
        "evaluate", f"run='{run}'", "dataset=surfaces", *SMALL
    )
    assert "data.modalities" in refusal("train", f"from='{run}'", "dataset=placement")


def test_another_product_comes_behind_without_the_old_images(run, place):
    for number in range(8):
        for label in ("good", "void"):
            for name in ("visual", "thermal"):
                save(place / f"more/third/{label}/{number}_{name}.png", number, name, label)
    result = call("train", f"from='{run}'", "dataset=folder", "data.root=more")
    assert result.code == 0, result.err
    grown = result.out.strip().rpartition("\n")[2].removesuffix("/report.html")
    _, answers = answered(grown, "new", "product=third")
    assert [answer["missing"] for answer in answers] == ["", "thermal", "visual", ""]


def test_a_run_on_one_image_has_the_name_that_it_had_before_there_were_several():
    """The digest of a config without the keys of several images, as older runs have it."""
    config = compose_config("train", ["dataset=csv", "data.file=x.csv", *WORDS])
    older = {k: v for k, v in config["data"].items() if not k.startswith("modalit")}
    assert len(older) == len(config["data"]) - 2
    assert config_digest(config) == config_digest({**config, "data": older})
