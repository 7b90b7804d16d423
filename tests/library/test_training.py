"""Training and checking from Python: the same runs as by the command line."""

import json
from pathlib import Path

import pytest
from command_calls import call
from small_products import EPOCHS, QUICK, products

from mlff_cli import UserError, check_data, train

PROVEN = ("matrix.csv", "predictions.csv", "splits.csv", "adapters/adapters.safetensors")


def test_it_is_the_run_of_the_command_line(empty, root):
    run = train(*QUICK, "method.epochs=1", task="custom", data={"root": root})
    made = {name: (run.folder / name).read_bytes() for name in PROVEN}
    words = ("task=custom", f"data.root={root}", *QUICK, "method.epochs=1")
    result = call("train", *words)
    assert result.code == 0 and "finished before" in result.out  # the same folder
    assert call("train", *words, "paths.runs=again").code == 0
    (again,) = Path("again/custom").iterdir()
    assert {name: (again / name).read_bytes() for name in PROVEN} == made
    assert call("verify", str(run.folder)).code == 0


def test_the_same_call_finds_the_run_from_any_folder(empty, root, monkeypatch):
    runs = empty / "runs"
    first = train(*QUICK, *EPOCHS, task="custom", data={"root": root}, paths={"runs": runs})
    before = (first.folder / "run.json").read_bytes()
    (empty / "elsewhere").mkdir()
    monkeypatch.chdir(empty / "elsewhere")
    again = train(*QUICK, *EPOCHS, task="custom", data={"root": root}, paths={"runs": runs})
    assert again.folder == first.folder and again.results.equals(first.results)
    assert (first.folder / "run.json").read_bytes() == before
    assert list(Path().iterdir()) == []


def test_the_run_says_the_command_that_makes_it(run, root):
    command = json.loads((run.folder / "run.json").read_text("utf-8"))["command"]
    assert command.startswith("mlff train data.image_size=32 ")
    assert f"'data.root=\"{root}\"'" in command and "ipykernel" not in command


def test_a_further_product_goes_on_from_a_run(empty, run, tmp_path):
    new = products(tmp_path / "new", "seal")
    child = train(task="custom", data={"root": new}, from_=run)
    assert child.experiences == ("007", "valve", "seal")
    assert train("task=custom", data={"root": new}, from_=str(run.folder)).folder == child.folder
    image = new / "seal" / "good" / "0.png"
    assert child.predict(image, product="seal")["product"].item() == "seal"
    with pytest.raises(UserError, match="is no run folder"):
        train(task="custom", data={"root": new}, from_=tmp_path)


def test_choices_of_ones_own_are_found(empty, root):
    folder = empty / "mine"
    (folder / "method").mkdir(parents=True)
    (folder / "method" / "short.yaml").write_text("defaults: [mlff]\nepochs: 1\n")
    run = train(
        *QUICK, task="custom", data={"root": root}, method="short", config_dir=folder,
    )  # fmt: skip
    assert run.config["method"]["epochs"] == 1
    with pytest.raises(UserError, match="config_dir: there is no folder"):
        train(config_dir="nowhere")


def test_a_run_that_broke_off_is_resumed(empty, root, monkeypatch):
    from mlff_cli.runs import loop

    learn, given = loop._learn, {"task": "custom", "data": {"root": root}}

    def second_fails(method, step, journal):
        if step.index == 2:
            raise MemoryError
        learn(method, step, journal)

    monkeypatch.setattr(loop, "_learn", second_fails)
    with pytest.raises(UserError, match="out of memory"):
        train(*QUICK, "method.epochs=1", **given)
    monkeypatch.setattr(loop, "_learn", learn)
    run = train(*QUICK, "method.epochs=1", **given)
    assert "resumed after experience 1 of 2" in (run.folder / "log.txt").read_text("utf-8")


def test_data_are_checked_as_by_the_command(empty, root):
    checked = check_data(*QUICK, task="custom", data={"root": root})
    assert checked.passed and "near-duplicates" in checked.verdict
    images = checked.images.set_index(["experience", "split"])["images"]
    assert images.groupby("experience").sum().to_dict() == {"007": 16, "valve": 16}
    assert set(checked.balance["class"]) == {"good", "scratch"}
    assert len(checked.floors) == 2 and checked.unreadable == ()
    report = (checked.folder / "report.md").read_bytes()
    result = call("data", "check", *QUICK, "task=custom", f"data.root={root}")
    assert result.out.strip().endswith(checked.folder.name)
    lines = [
        text.splitlines() for text in (report.decode(), (checked.folder / "report.md").read_text())
    ]
    assert lines[0][2].startswith("    mlff data check data.image_size=32")
    assert [line for line in lines[0] if "mlff data" not in line] == [
        line for line in lines[1] if "mlff data" not in line
    ]


def test_copies_and_damaged_files_fail_the_check(empty, tmp_path):
    root = products(tmp_path / "bad", "bolt")
    for place in ("train", "test"):
        (root / "bolt" / place).mkdir()
    for label in ("good", "scratch"):
        (root / "bolt" / label).rename(root / "bolt" / "train" / label)
        (root / "bolt" / "test" / label).mkdir()
        for number in range(3):
            name = f"{number}.png"
            content = (root / "bolt" / "train" / label / name).read_bytes()
            (root / "bolt" / "test" / label / name).write_bytes(content)
    assert not check_data(*QUICK, task="custom", data={"root": root}).passed
    broken = root / "bolt" / "test" / "good" / "9.png"
    broken.write_bytes(b"no image")
    checked = check_data(*QUICK, task="custom", data={"root": root})
    ((name, problem),) = checked.unreadable
    assert name.endswith("9.png") and "is not an image" in problem
