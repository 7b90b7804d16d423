"""What comes from elsewhere is data: no code in it runs, no name in it leads out of a folder."""

import json
import os
import pickle
import shutil
import struct
from pathlib import Path

import pytest
import torch
import yaml
from markdown_it import MarkdownIt
from PIL import Image
from safetensors.torch import save
from tiny_task import TINY, fingerprints, picture

from mlff_cli.errors import UserError
from mlff_cli.runs.checkpoints import Checkpoints, EpochJournal
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.packing import packed, unpacked

EVIL = (
    "../../up",
    "/tmp/absolute",
    "C:\\windows",
    "..",
    "$(touch executed)",
    "`touch executed`",
    "<script>alert(1)</script>",
    "![x](http://example.org/x.png)",
    "a|b|c",
    "{{7*7}}",
    "${oc.env:HOME}",
    "=HYPERLINK(1)",
    "[link](javascript:alert(1))",
    "new\u2028line",
)


class Bomb:
    """Leaves a folder behind when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return (os.mkdir, (str(self.folder),))


def write_evil(folder: Path) -> None:
    """Write images, and a manifest whose products, classes and groups have evil names."""
    folder.mkdir()
    rows = ["path,label,product,group"]
    for number, product in enumerate(EVIL[:4]):
        for kind, label in enumerate(EVIL[4 + 2 * number : 6 + 2 * number]):
            for image in range(3):
                name = f"{number}{kind}{image}.png"
                Image.fromarray(picture(seed=len(rows))).save(folder / name)
                rows.append(f'{name},"{label}","{product}","{product}/{label}/{image}"')
    (folder / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_names_never_become_paths_code_or_markup(tmp_path, monkeypatch, mlff):
    place = tmp_path / "a/b/c"
    place.mkdir(parents=True)
    write_evil(place / "images")
    monkeypatch.chdir(place)
    outside = fingerprints(tmp_path)
    words = (*TINY, "dataset=csv", "data.file=images/list.csv", "method.epochs=1")
    code, said = mlff("train", *words, "paths.runs=runs", "paths.features=features")
    assert code == 0, said
    now = fingerprints(tmp_path)
    assert {name for name in now if name not in outside} == {
        name for name in now if name.startswith(("a/b/c/runs/custom/", "a/b/c/features/"))
    }
    assert {name: now[name] for name in outside} == outside
    assert not list(tmp_path.rglob("executed*"))
    (run,) = place.glob("runs/custom/*")
    for file in run.rglob("*"):
        assert file.resolve().is_relative_to(run)
    html = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render((run / "results.md").read_text(encoding="utf-8"))
    )
    for made in ("<script", "<img", "<a "):
        assert made not in html
    code, said = mlff("verify", str(run), "trainer.device=cpu", "paths.features=features")
    assert code == 0, said


def test_a_run_folder_may_bear_any_name(tmp_path, monkeypatch, mlff):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "task=[x] (y)").mkdir()
    code, said = mlff("evaluate", "./task=[x] (y)/run,1")
    assert code == 2
    assert "task=[x] (y)/run,1: is no run folder" in said


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.mkdir [{}]\n",
        "seed: !!python/object/apply:os.system ['mkdir {}']\n",
        "x: !!python/name:os.system\n",
        "_target_: os.mkdir\npath: {}\n",
        "data: ${{oc.env:HOME}}\n",
    ],
)
def test_a_config_of_a_stranger_executes_nothing(tmp_path, mlff, text):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text(text.format(tmp_path / "executed"))
    (run / "DONE").touch()
    code, said = mlff("evaluate", str(run), "trainer.device=cpu")
    assert code == 2, said
    assert "Traceback" not in said
    assert not (tmp_path / "executed").exists()


def test_a_config_names_no_module(tmp_path, mlff):
    run = tmp_path / "run"
    run.mkdir()
    (run / "DONE").touch()
    for section, names in {
        "method": ("os", "../os", "base", "mlff_cli.cli.main", "", 3, None, ["os"]),
        "fusion": ("base",),
        "data": ("csv as c",),
        "backbone": ("recipe",),
    }.items():
        for name in names:
            (run / "config.yaml").write_text(yaml.safe_dump({"seed": 0, section: {"name": name}}))
            code, said = mlff("evaluate", str(run), "trainer.device=cpu")
            assert code == 2, said
            assert "internal error" not in said


@pytest.fixture
def state(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "state")


def test_a_checkpoint_of_a_stranger_executes_nothing(tmp_path, state):
    for content in (
        pickle.dumps(Bomb(tmp_path / "executed")),
        b"",
        b"\xff" * 100,
        struct.pack("<Q", 2**62) + b"{}",
        save({}, metadata={"format": "1", "structure": "[" * 100_000, "hash": ""}),
        save({"0": torch.ones(2)}),
    ):
        state.folder.mkdir(exist_ok=True)
        state.file.write_bytes(content)
        assert state.load() is None
        assert not state.file.exists()  # what cannot be used does not stay for the next run
    state.folder.mkdir()
    torch.save({"finished": Bomb(tmp_path / "executed")}, state.file)
    assert state.load() is None
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [{"tensor": "0"}, {}, [], {"pairs": 3}, {"items": [[]]}, None])
def test_a_checkpoint_of_another_structure_is_damaged(content):
    import hashlib

    structure = json.dumps(content)
    digest = hashlib.sha256(structure.encode()).hexdigest()
    with pytest.raises(ValueError):
        unpacked(save({}, metadata={"format": "1", "structure": structure, "hash": digest}))


def test_every_flipped_bit_of_a_checkpoint_is_noticed():
    import random

    content = packed({"epoch": 3, "weights": torch.randn(7, 5), "half": torch.ones(3).bfloat16()})
    moments = random.Random(0)
    for _ in range(300):
        flipped = bytearray(content)
        flipped[moments.randrange(len(content))] ^= 1 << moments.randrange(8)
        with pytest.raises(ValueError):
            unpacked(bytes(flipped))
    assert torch.equal(unpacked(content)["half"], torch.ones(3).bfloat16())


def test_a_checkpoint_of_a_newer_version_is_not_thrown_away(state, monkeypatch):
    state.folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("mlff_cli.runs.packing.FORMAT", 2)
        newer = packed({"epoch": 1})
    for file, read in (
        (state.file, state.load),
        (state.within(0), EpochJournal(state, 1, 0).resume),
    ):
        file.write_bytes(newer)
        with pytest.raises(UserError, match=r"newer version of this program.*pip install -U"):
            read()
        assert file.read_bytes() == newer


def test_a_lock_note_of_a_stranger_is_only_read(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    for note in ("", "[]", "{", '{"process": "1; rm -rf", "host": 3}', '{"process": -1}'):
        (run.path / ".running").write_text(note)
        with run.lock.held():
            assert json.loads((run.path / ".running").read_text())["process"] == os.getpid()


def test_a_link_in_a_run_folder_is_replaced_and_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("mine")
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    (run.path / "splits.csv").symlink_to(secret)
    run.write_text("splits.csv", "new")
    assert secret.read_text() == "mine"
    assert (run.path / "splits.csv").read_text() == "new"
    shutil.rmtree(run.path)
