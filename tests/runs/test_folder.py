"""The folder of a run: found by its config, held alone, refusing what is not its own."""

import csv
import io
import json
import os
import subprocess
import sys
from copy import deepcopy

import pytest
import yaml
from configs_for_tests import small_config

from mlff_cli.config.schema import flatten
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.errors import UserError
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.tables import RunFacts
from mlff_cli.runs.folder import RunFolder, config_hash, find_runs, run_path
from mlff_cli.tasks.record import Record

FREE = ("trainer.device", "trainer.workers", "trainer.checkpoint_every", "trainer.processes")
"""With the paths, the keys that say where and how a run goes, and do not determine its result."""


@pytest.fixture
def config(tmp_path):
    return small_config(tmp_path)


def changed(config, key):
    other = deepcopy(config)
    *sections, name = key.split(".")
    section = other
    for part in sections:
        section = section[part]
    section[name] = "another"
    return other


def test_every_key_is_in_the_hash_but_those_of_the_whereabouts(config):
    keys = [key for key, _ in flatten(config)]
    assert set(FREE) | {"paths.runs", "paths.features"} <= set(keys)
    for key in keys:
        same = config_hash(changed(config, key)) == config_hash(config)
        assert same == (key in FREE or key.startswith("paths.")), key


def test_the_hash_does_not_depend_on_the_order_of_keys(config):
    turned = {key: config[key] for key in reversed(config)}
    assert config_hash(turned) == config_hash(config)
    assert config_hash(yaml.safe_load(yaml.safe_dump(config))) == config_hash(config)


def test_the_folder_is_named_by_task_method_and_hash(config, tmp_path):
    path = run_path(config)
    assert path == tmp_path / "runs" / "small" / f"mlff-{config_hash(config)}"
    assert len(config_hash(config)) == 8


def test_a_home_folder_is_meant_by_a_tilde(config, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    config["paths"]["runs"] = "~/runs"
    assert run_path(config).parent == tmp_path / "runs" / "small"


def test_a_config_loads_back_as_it_was(config, tmp_path):
    config["data"]["root"] = "Größe 7/ü"
    folder = RunFolder(tmp_path / "run")
    folder.write_config(config)
    assert folder.config() == config
    folder.write_config(changed(config, "trainer.device"))
    assert folder.config()["trainer"]["device"] == "another"


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
with RunFolder(Path(sys.argv[1])).locked():
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
            RunFolder(tmp_path / "run").locked(),
        ):
            pytest.fail("two processes at one folder")
        holder.kill()
    with RunFolder(tmp_path / "run").locked():
        pass
    with RunFolder(tmp_path / "run").locked():
        pass


def test_an_error_inside_frees_the_folder_and_is_passed_on(tmp_path):
    with pytest.raises(ZeroDivisionError), RunFolder(tmp_path).locked():
        raise ZeroDivisionError
    with RunFolder(tmp_path).locked():
        pass


def test_a_folder_that_cannot_be_made_names_the_key(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    folder = RunFolder(tmp_path / "file" / "run")
    with pytest.raises(UserError, match=r"paths\.runs="), folder.locked():
        pytest.fail("held a folder inside a file")


def test_splits_csv_says_where_every_record_went():
    records = [
        Record('a "b", c.png', GeneratedImage("surfaces", ()), ("x", "y"), product="p", batch="7"),
        Record("n.png", GeneratedImage("surfaces", ()), targets=(0.1, -2.0), group="g"),
    ]
    splits = {records[0].name: "test", "n.png": "train"}
    text = RunFolder(None).splits_text(records, splits, ["ab" * 32, "cd" * 32])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0] == {
        "name": 'a "b", c.png', "split": "test", "product": "p", "batch": "7", "group": "",
        "labels": "x;y", "targets": "", "content": "ab" * 8,
    }  # fmt: skip
    assert (rows[1]["targets"], rows[1]["group"], rows[1]["split"]) == ("0.1;-2.0", "g", "train")


def finished(path, config):
    folder = RunFolder(path)
    folder.write_config(config)
    matrix = ScoreMatrix(["a", "b"], 2)
    matrix.add(1, 1, "mAP", value=0.5, n=4)
    matrix.to_csv(path / "matrix.csv")
    facts = {
        "scenario": "small", "method": "mlff", "backbone": "b", "fusion": "f", "seed": 0,
        "trainable_parameters": 10, "full_parameters": 100, "training_seconds": [1.0, 2.0],
        "extraction_seconds": 0.5, "peak_memory_mib": 10.0, "experiences": ["a", "b"],
    }  # fmt: skip
    folder.write_json("env.json", {"facts": facts})
    folder.write_text("DONE", "")
    return folder


def test_matrix_and_facts_come_back(config, tmp_path):
    folder = finished(tmp_path / "run", config)
    assert folder.finished
    assert folder.matrix().score("mAP", 1, 1) == (0.5, 4)
    facts = folder.facts()
    assert isinstance(facts, RunFacts)
    assert (facts.training_seconds, facts.experiences) == ((1.0, 2.0), ("a", "b"))
    assert folder.read_text("DONE") == ""
    assert folder.read_text("nothing") is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"facts": {"seed": 0}}', '{"facts": {"experiences": ["a"]', "\0"]
)
def test_damaged_facts_are_named(content, config, tmp_path):
    folder = finished(tmp_path / "run", config)
    (folder.path / "env.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"env\.json: is damaged"):
        folder.facts()
    (folder.path / "env.json").unlink()
    with pytest.raises(UserError, match=r"env\.json: is missing"):
        folder.facts()


def test_json_is_readable_and_holds_no_nan(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_json("a.json", {"name": "Größe", "value": 0.1})
    assert "Größe" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "a.json").read_bytes()) == folder.read_json("a.json")
    with pytest.raises(ValueError, match="JSON compliant"):
        folder.write_json("a.json", {"value": float("nan")})
    assert folder.read_json("a.json")["value"] == 0.1


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
