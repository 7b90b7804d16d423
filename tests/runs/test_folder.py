"""The folder of a run: found by its config, held alone, refusing what is not its own."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from configs_for_tests import changed, small_config
from run_samples import FACTS, RECORD

from mlff_cli.errors import UserError
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.runs.finding import find_runs
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.record import encoded


@pytest.fixture
def config(tmp_path):
    return small_config(tmp_path)


def test_a_config_loads_back_as_it_was(config, tmp_path):
    config["data"]["root"] = "Größe 7/ü"
    folder = RunFolder(tmp_path / "run")
    folder.write_config(config)
    assert folder.config() == config
    folder.write_config(changed(config, "trainer.workers"))
    assert folder.config()["trainer"]["workers"] == "another"


def test_a_folder_of_another_config_is_left_alone(config, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.write_config(config)
    before = (folder.path / "config.yaml").read_bytes()
    with pytest.raises(UserError, match="belongs to another config"):
        folder.write_config(changed(config, "method.epochs"))
    assert (folder.path / "config.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is no run folder"),
        (b"a: [", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"- a", "damaged"),
        (b"", "damaged"),
        (b"a: !!python/object/apply:os.mkdir [x]", "damaged"),
    ],
)
def test_a_damaged_config_is_named(content, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "config.yaml").write_bytes(content)
    with pytest.raises(UserError, match=message):
        RunFolder(tmp_path).config()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("text", ["seed: 0", "trainer: 3", "seed: 2026-01-01", "trainer: {a: 1}"])
def test_a_config_without_its_sections_belongs_to_another_run(text, config, tmp_path):
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="belongs to another config"):
        RunFolder(tmp_path).write_config(config)


HOLD = """
import sys, time
from pathlib import Path
from mlff_cli.runs.folder import RunFolder
with RunFolder(Path(sys.argv[1])).lock.held():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_never_hold_one_folder(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match="training this very config"),
            RunFolder(tmp_path / "run").lock.held(),
        ):
            pytest.fail("two processes at one folder")
        holder.kill()
    with RunFolder(tmp_path / "run").lock.held():
        pass
    with RunFolder(tmp_path / "run").lock.held():
        pass


def test_an_error_inside_frees_the_folder_and_is_passed_on(tmp_path):
    with pytest.raises(ZeroDivisionError), RunFolder(tmp_path).lock.held():
        raise ZeroDivisionError
    with RunFolder(tmp_path).lock.held():
        pass


def test_a_folder_that_cannot_be_made_names_the_key(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    folder = RunFolder(tmp_path / "file" / "run")
    with pytest.raises(UserError, match=r"paths\.runs="), folder.lock.held():
        pytest.fail("held a folder inside a file")


def finished(path, config):
    folder = RunFolder(path)
    folder.write_config(config)
    matrix = ScoreMatrix(["a", "b"], 2)
    matrix.add(1, 1, "mAP", value=0.5, n=4)
    matrix.to_csv(path / "matrix.csv")
    folder.finish(replace(RECORD, digests=folder.digests()))
    return folder


def test_matrix_and_record_come_back(config, tmp_path):
    folder = finished(tmp_path / "run", config)
    assert folder.finished and folder.record_is_whole()
    assert folder.matrix().score("mAP", 1, 1) == (0.5, 4)
    assert folder.record().facts == FACTS
    assert folder.record().digests == folder.digests()
    assert folder.digests()["splits.csv"] == "missing"
    assert folder.read_text("nothing") is None
    (folder.path / "run.json").write_text(encoded(RECORD), encoding="utf-8")
    assert not folder.record_is_whole()


def test_json_is_readable_and_holds_no_nan(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_json("a.json", {"name": "Größe", "value": 0.1})
    assert "Größe" in (tmp_path / "a.json").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="JSON compliant"):
        folder.write_json("a.json", {"value": float("nan")})
    assert json.loads((tmp_path / "a.json").read_bytes())["value"] == 0.1


def test_finished_runs_are_found_below_a_folder_each_once(config, tmp_path):
    for name in ("b", "a"):
        finished(tmp_path / "runs" / "task" / name, config)
    RunFolder(tmp_path / "runs" / "task" / "unfinished").write_config(config)
    names = [run.path.name for run in find_runs([tmp_path / "runs"])]
    assert names == ["a", "b"]
    again = find_runs([tmp_path / "runs", tmp_path / "runs" / "task" / "a"])
    assert [run.path.name for run in again] == ["a", "b"]
    with pytest.raises(UserError, match="no finished run"):
        find_runs([tmp_path / "runs" / "task" / "unfinished"])
    with pytest.raises(UserError, match=r"nowhere: there is no such folder"):
        find_runs([tmp_path / "nowhere"])


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_run_is_found_once_through_a_link(config, tmp_path):
    finished(tmp_path / "run", config)
    (tmp_path / "link").symlink_to(tmp_path / "run")
    assert len(find_runs([tmp_path / "run", tmp_path / "link"])) == 1
