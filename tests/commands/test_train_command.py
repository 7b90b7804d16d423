"""``mlff train`` on tiny data: what it leaves behind, and what a second call does."""

import csv
import json
import re

import numpy as np
import pytest
import yaml
from command_calls import TINY, call, imported, refusal
from PIL import Image
from tiny_task import TINY as SMALLEST
from tiny_task import hash_of, picture

LEFT = {
    "config.yaml", "splits.csv", "matrix.csv", "figures.csv", "results.csv", "results.md",
    "adapters", "run.json", "env.json", "log.txt", "DONE", "images.png",
    "matrix_mAP.png", "matrix_accuracy.png", "curve_mAP.png", "curve_accuracy.png",
    "predictions.csv", "report.html", "worst_images.json", "pictures.json",
}  # fmt: skip
COLUMNS = (
    "scenario", "method", "learning accuracy", "learning mAP", "final accuracy", "final mAP",
    "forgetting (mAP)", "BWT (mAP)", "trainable parameters", "saving (%)",
    "training seconds per experience", "peak memory (MiB)",
)  # fmt: skip


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_images(root, *, per_class=6, products=("left", "right"), seed=0):
    """Grey images of two classes that differ in brightness."""
    draw = np.random.default_rng(seed)
    for product in products:
        for label, level in (("bright", 180), ("dark", 60)):
            folder = root / product / label
            folder.mkdir(parents=True)
            for number in range(per_class):
                pixels = draw.integers(level - 40, level + 40, (40, 40), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


def test_a_run_leaves_its_folder_and_nothing_else(workplace, run_folder):
    assert [path.name for path in workplace.iterdir()] == ["runs"]
    assert re.fullmatch(r"mlff-[0-9a-f]{8}", run_folder.name)
    visible = {path.name for path in run_folder.iterdir() if not path.name.startswith(".")}
    assert visible == LEFT
    assert {path.suffix for path in (run_folder / "adapters").iterdir()} == {
        ".json",
        ".safetensors",
    }


def test_results_have_the_columns_that_are_promised(run_folder):
    (row,) = rows(run_folder / "results.csv")
    text = (run_folder / "results.md").read_text(encoding="utf-8")
    header = next(line for line in text.splitlines() if line.startswith("| scenario"))
    for column in COLUMNS:
        assert row[column] != ""
        assert f"| {column} |" in header
    assert (row["scenario"], row["method"]) == ("surface_defect", "mlff")
    assert 0 <= float(row["final mAP"]) <= 1
    assert float(row["saving (%)"]) > 90


def test_the_matrix_has_a_row_for_each_experience_trained_and_scored_so_far(run_folder):
    cells = {
        (int(row["experience_trained"]), int(row["experience_scored"])): row["value"]
        for row in rows(run_folder / "matrix.csv")
        if row["metric"] == "mAP"
    }
    assert all((cells[trained, scored] != "") == (scored <= trained)
               for trained in (1, 2, 3) for scored in (1, 2, 3))  # fmt: skip


def test_every_image_has_its_split(run_folder):
    splits = rows(run_folder / "splits.csv")
    assert len(splits) == 75
    assert {row["split"] for row in splits} == {"train", "validation", "test"}


def test_the_command_in_the_results_can_be_pasted(run_folder):
    command = json.loads((run_folder / "run.json").read_text(encoding="utf-8"))["command"]
    assert command == "mlff train " + " ".join(TINY)
    assert f"\n    {command}\n" in (run_folder / "results.md").read_text(encoding="utf-8")


def everything(folder):
    """Return the bytes and the time of every file and folder."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in [folder, *folder.rglob("*")]
    }


def test_the_same_command_again_changes_no_byte_and_repeats_nothing(
    workplace, run_folder, monkeypatch
):
    monkeypatch.chdir(workplace)
    before = everything(run_folder)
    result = call("train", *TINY)
    assert result.code == 0
    assert "finished before, not repeated" in result.out and "learned in" not in result.out
    assert "learning mAP" in result.out and result.out.endswith(f"{run_folder.name}/report.html\n")
    assert everything(run_folder) == before


def test_a_finished_run_is_found_without_torch(workplace, run_folder):
    result, modules = imported("train", *TINY, folder=workplace)
    assert result.code == 0, result.err
    assert "finished before" in result.out
    assert not modules & {"torch", "torchvision", "timm", "matplotlib", "sklearn", "pandas"}


def test_the_config_that_was_written_loads_back_into_the_same_folder(workplace, run_folder):
    from mlff_cli.runs.identity import run_hash

    config = yaml.safe_load((run_folder / "config.yaml").read_text(encoding="utf-8"))
    record = json.loads((run_folder / "run.json").read_text(encoding="utf-8"))
    assert run_folder.name == f"mlff-{run_hash(config, record['data'])}"
    assert config["method"]["epochs"] == 2


OWN = ("task=custom", "data.image_size=32", "method.epochs=1", "trainer.workers=0")


def test_a_manifest_of_the_same_name_with_other_images_is_another_run(empty, tmp_path):
    """Seen: the second one was answered with the scores of the first."""
    for number in range(2):
        root = write_images(tmp_path / f"set{number}", products=("left",), seed=number)
        rows = [f"{p.relative_to(root)},{p.parent.name}" for p in sorted(root.rglob("*.png"))]
        (root / "list.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    (tmp_path / "now").symlink_to(tmp_path / "set0")
    words = (*OWN, "dataset=csv", f"data.file={tmp_path}/now/list.csv")
    assert call("train", *words).code == 0
    (tmp_path / "now").unlink()
    (tmp_path / "now").symlink_to(tmp_path / "set1")
    result = call("train", *words)
    assert result.code == 0 and "finished before" not in result.out
    assert len(list((empty / "runs" / "custom").iterdir())) == 2


def test_a_new_product_in_the_folder_is_another_run_in_which_nobody_moves(empty, tmp_path):
    """Seen: the third product was answered with the table of two."""
    root = write_images(tmp_path / "images", per_class=8)
    assert call("train", *OWN, f"data.root={root}").code == 0
    (first,) = (empty / "runs" / "custom").iterdir()
    write_images(root, per_class=8, products=("middle",), seed=7)
    result = call("train", *OWN, f"data.root={root}")
    assert result.code == 0 and "finished before" not in result.out
    (second,) = {*(empty / "runs" / "custom").iterdir()} - {first}
    before = {row["name"]: row["split"] for row in rows(first / "splits.csv")}
    now = {row["name"]: row["split"] for row in rows(second / "splits.csv")}
    assert len(before) == 32 and len(now) == 48
    assert {name: now[name] for name in before} == before


def test_images_that_moved_are_the_same_run(empty, tmp_path):
    root = write_images(tmp_path / "images")
    assert call("train", *OWN, f"data.root={root}").code == 0
    root.rename(tmp_path / "archive")
    result = call("train", *OWN, f"data.root={tmp_path / 'archive'}", "trainer.workers=1")
    assert result.code == 0 and "finished before" in result.out


def test_a_run_elsewhere_gives_the_same_matrix_and_extracts_nothing(empty, run_folder):
    odd = empty / "it's [b],(c)=ü"
    assert call("train", *TINY, f"paths.runs={odd}").code == 0
    (again,) = (odd / "surface_defect").iterdir()
    assert again.name == run_folder.name
    assert (again / "matrix.csv").read_bytes() == (run_folder / "matrix.csv").read_bytes()
    made = json.loads((again / "run.json").read_text(encoding="utf-8"))
    assert [step["images_extracted"] for step in made["steps"]] == [0, 0, 0]


def test_own_images_in_a_folder_with_an_awkward_name(empty, tmp_path):
    root = write_images(tmp_path / "my images, (new)=ä")
    words = ("task=custom", f"data.root={root}", "data.image_size=32", "method.epochs=2")
    result = call("train", *words)
    assert result.code == 0, result.err
    (folder,) = (empty / "runs" / "custom").iterdir()
    assert {row["product"] for row in rows(folder / "splits.csv")} == {"left", "right"}
    assert [path.name for path in empty.iterdir()] == ["runs"]


def test_a_folder_that_another_config_has_taken_is_left_alone(empty):
    words = ("train", *TINY, "method.epochs=1")
    assert call(*words).code == 0
    (folder,) = (empty / "runs" / "surface_defect").iterdir()
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("seed: 0", "seed: 1"))
    (folder / "DONE").unlink()
    assert "belongs to another config" in refusal_after_output(*words)


def refusal_after_output(*words):
    result = call(*words)
    assert result.code == 2
    return result.err


def test_a_file_in_the_place_of_the_runs_folder_is_named(empty, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("")
    assert str(taken) in refusal("train", *TINY, f"paths.runs={taken}")


@pytest.mark.parametrize("method", ["joint", "finetune", "linear_probe"])
def test_every_method_leaves_a_finished_run(empty, method):
    result = call("train", *TINY, f"method={method}", "method.epochs=1", "data.images_per_class=4")
    assert result.code == 0, result.err
    (folder,) = (empty / "runs" / "surface_defect").iterdir()
    assert (folder / "DONE").is_file()
    assert folder.name.startswith(f"{method}-")


def test_an_experience_of_one_class_is_left_out_of_map_and_named(empty):
    """Its images cannot be ranked; the other experience's mAP counts all the same."""
    for label in ("crack", "dent", "scratch"):
        for number in range(6):
            file = empty / "images" / "bolt" / label / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(seed=hash_of(file.relative_to(empty)))).save(file)
    words = ("schedule=by_class", "schedule.classes_per_experience=2", "paths.features=features")
    result = call("train", *SMALLEST, "dataset=folder", "data.root=images", *words)
    assert result.code == 0, result.err
    note = "learning mAP, final mAP leave out 1 of 2 experiences, which have no value: scratch"
    assert note in result.out
    (run,) = empty.glob("runs/custom/*")
    (row,) = rows(run / "results.csv")
    assert 0 <= float(row["learning mAP"]) <= 1 and 0 <= float(row["final mAP"]) <= 1
    assert note in (run / "results.md").read_text(encoding="utf-8")
    figures = {(line["metric"], line["figure"]): line for line in rows(run / "figures.csv")}
    assert figures["mAP", "learning"]["left_out"] == "1"
    assert figures["accuracy", "learning"]["left_out"] == "0"
