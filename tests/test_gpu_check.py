"""scripts/gpu_check in its tiny extent, on the processor; what it tells is told on a GPU alone."""

import csv
import shutil
import sys
from dataclasses import replace
from importlib import import_module
from math import inf
from pathlib import Path

import pytest
import torch
from command_calls import call

from mlff_cli.results.painter import Painter

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
NAMES = ("gpu_check", "gpu_check_runs", "gpu_check_passes", "gpu_check_findings", "gpu_check_sizes")


@pytest.fixture
def modules(monkeypatch):
    """The script's modules by the end of their names; they import each other by their bare ones."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield {name.rpartition("_")[2]: import_module(name) for name in NAMES}
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture
def runs(modules, monkeypatch):
    """The module of whole runs, which are carried out in this process: no import of torch each."""

    def carried_out(name, folder, sizes, commands):
        if name == "fp32" and (folder / "cpu").exists():  # here it is the same
            shutil.copytree(folder / "cpu", folder / name)
            return
        for words in commands:
            result = call(*words)
            assert result.code == 0, result.err
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "peak.json").write_text("0.0")

    monkeypatch.setattr(modules["runs"], "_carried_out", carried_out)
    # Pictures take longer than all that is looked at here.
    monkeypatch.setattr(Painter, "warm_up", lambda painter: None)
    monkeypatch.setattr(Painter, "begin", lambda painter, work: None)
    return modules["runs"]


def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_without_a_gpu_it_says_so_and_does_nothing(modules, monkeypatch, tmp_path, capsys):
    without_gpu(monkeypatch)
    assert modules["check"].main(["--output", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == "gpu_check: torch finds no GPU here; nothing was done\n"
    assert not (tmp_path / "out").exists()


def test_scores_are_held_against_those_of_the_processor(runs, modules, tmp_path):
    sizes = replace(modules["sizes"].Sizes.tiny(), epochs=1)
    found = runs.scores(tmp_path, sizes)
    compared = [finding for finding in found if finding.wanted]
    assert {finding.case for finding in compared} == {
        "mlff, fp32", "mlff, bf16", "closed_form, fp32", "closed_form, bf16",
    }  # fmt: skip
    same = [finding.value for finding in compared if finding.case.endswith("fp32")]
    assert same == [0.0] * 4, "here both run on the processor"
    assert {f.verdict for f in compared if f.case.endswith("fp32")} == {"right"}
    # The state of the whole run is what the next parts build on.
    killed = runs.resume(tmp_path, sizes)
    assert [(f.value, f.verdict) for f in killed] == [(0.0, "right")]
    assert killed[0].note == "the same bytes: " + ", ".join(runs.COMPARED) + " of 3 files"
    taken = runs.finetune(tmp_path, sizes)
    seconds = {f.case: f.value for f in taken if "seconds" in f.quantity}
    assert seconds["finetune / mlff"] > 0


def test_a_score_that_is_blank_in_one_matrix_alone_is_no_small_difference(runs, tmp_path):
    for name, values in {"a": ("0.5", ""), "b": ("0.75", ""), "c": ("0.5", "0.5")}.items():
        (tmp_path / name).write_text("value\n" + "".join(f'"{value}"\n' for value in values))
    assert runs._farthest(tmp_path / "a", tmp_path / "b") == 0.25
    assert runs._farthest(tmp_path / "a", tmp_path / "c") == inf


def test_a_run_that_fails_is_told(modules, tmp_path):
    words = ["train", "data.image_size=no"]
    with pytest.raises(modules["runs"].subprocess.CalledProcessError):
        modules["runs"]._carried_out("cpu", tmp_path, None, [words])


def test_passes_from_memory_from_files_and_compiled(modules, monkeypatch, tmp_path):
    passes, sizes = modules["passes"], modules["sizes"].Sizes.tiny()
    lite0 = {"efficientnet_lite0": passes.BACKBONES["efficientnet_lite0"]}
    monkeypatch.setattr(passes, "BACKBONES", lite0)
    found = [
        *passes.extraction(tmp_path, sizes),
        *passes.files(tmp_path, sizes),
        *passes.compiled(tmp_path, sizes),
    ]
    speeds = [finding.value for finding in found if "images/s" in finding.quantity]
    assert len(speeds) == 8 and all(speed > 0 for speed in speeds)
    (ratio,) = [f for f in found if f.quantity == "mlff / bare pass"]
    assert ratio.value == pytest.approx(found[1].value / found[0].value)
    assert ratio.verdict == ("reached" if ratio.value >= 0.9 else "short")


def test_a_size_that_does_not_fit_leaves_the_others(modules, monkeypatch, tmp_path):
    passes = modules["passes"]
    sizes = modules["sizes"].Sizes(device="cpu", side=32, batches=(2, 4), images=4)

    def bare(backbone, batch, device, sizes):
        if len(batch) == 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 1.0

    monkeypatch.setattr(passes, "_bare", bare)
    monkeypatch.setattr(passes, "_through_mlff", lambda *_: 0.95)
    found = passes.extraction(tmp_path, sizes)
    assert [f.note for f in found if f.verdict == "missing"] == ["out of memory"] * 2
    assert [f.verdict for f in found if f.quantity == "mlff / bare pass"] == ["reached"] * 2


def test_a_part_that_fails_or_hangs_leaves_the_numbers_of_the_others(
    modules, monkeypatch, tmp_path, capsys
):
    without_gpu(monkeypatch)
    script, finding = modules["check"], modules["findings"].Finding
    limits = {"files": (60.0, None), "compiled": (1.5, None), "resume": (60.0, None)}
    monkeypatch.setattr(script, "PARTS", {**script.PARTS, **limits})
    monkeypatch.setattr(script, "TOTAL_SECONDS", 60.0)
    output = tmp_path / "out"
    # `compiled` takes longer than that to import torch and timm.
    code = script.main(["--tiny", "--only", "files,compiled", "--output", str(output)])
    assert code == 0
    lines = (output / "results.csv").read_text().splitlines()
    about = [line for line in lines if line.startswith("# ")]
    assert about[0].startswith("# device: none") and "torch" in about[1]
    assert any("command: scripts/gpu_check --tiny --only files,compiled" in line for line in about)
    rows = list(csv.DictReader(lines[len(about) :]))
    assert [row["part"] for row in rows] == ["files"] * 5 + ["compiled"]
    assert rows[-1]["note"] == "took more than 2 s" and rows[-1]["verdict"] == "missing"
    table = (output / "results.md").read_text()
    assert table.splitlines()[2].startswith("- device: none") and "images/s" in table
    missing = script._in_a_process("scores", tmp_path, 0.5, tiny=True)
    assert missing == [finding("scores", "all of it", verdict="missing", note="no time was left")]
    assert "compiled  all of it  missing" in capsys.readouterr().out


def test_wrong_scores_end_with_another_code(modules, monkeypatch, tmp_path):
    without_gpu(monkeypatch)
    script, finding = modules["check"], modules["findings"].Finding
    for verdict, code in (("wrong", 1), ("right", 0), ("short", 0)):
        found = [finding("scores", "mlff", "mAP", 0.1, verdict=verdict)]
        monkeypatch.setattr(script, "_in_a_process", lambda *_, found=found, **__: found)
        words = ["--tiny", "--only", "scores", "--output", str(tmp_path)]
        assert script.main(words) == code


def test_an_unknown_part_names_those_there_are(modules, capsys):
    with pytest.raises(SystemExit):
        modules["check"].main(["--only", "speed"])
    assert "there is no part 'speed'; parts: scores, extraction" in capsys.readouterr().err
