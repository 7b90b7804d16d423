"""``mlff features``: what it says, deletes and returns."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from mlff_cli.backbones.levels import LevelInfo, Preprocessing
from mlff_cli.commands import features
from mlff_cli.features.store.disk import FeatureSpace, FeatureStore, row_key
from mlff_cli.features.store.maintenance import list_spaces

LEVELS = (LevelInfo("shallow", 8, 4), LevelInfo("deep", 16, 32))
SPACE = FeatureSpace("ab" * 32, Preprocessing(224, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)), LEVELS, "toy")

DEFAULTS = {
    "damaged": True,
    "temporary": True,
    "old_formats": True,
    "duplicates": True,
    "spaces": [],
}


def insert(store: FeatureStore, numbers: Iterable[int]) -> None:
    rows = torch.tensor(list(numbers), dtype=torch.float32).reshape(-1, 1).expand(-1, 8)
    keys = [row_key(f"image {number}", 0) for number in numbers]
    store.insert(keys, {"deep/max": rows, "shallow/mean": -rows})


def filled(folder: Path, numbers: Iterable[int], dtype: str = "float32") -> FeatureStore:
    store = FeatureStore(folder, SPACE, dtype=dtype)
    insert(store, numbers)
    return store


def shards_of(store: FeatureStore) -> list[Path]:
    return sorted(store.path.glob("*.safetensors"))


def spoil(shard: Path) -> None:
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)


def command(folder: Path, action: str, **keys: object) -> int:
    config = {"action": action, "paths": {"features": str(folder)}, **DEFAULTS, **keys}
    return features.run(config)


def test_an_empty_store_is_said(tmp_path, capsys):
    assert command(tmp_path / "none", "list") == 0
    assert "no features are stored here yet" in capsys.readouterr().out
    assert command(tmp_path / "none", "verify") == 0
    assert command(tmp_path / "none", "prune") == 0
    assert "0 bytes freed in all" in capsys.readouterr().out


def test_the_list_shows_every_space(tmp_path, capsys):
    store = filled(tmp_path, range(1200))
    half = filled(tmp_path, range(7), dtype="float16")
    (store.path / "other-1-ab.tmp").write_bytes(b"123")
    assert command(tmp_path, "list") == 0
    said = capsys.readouterr().out
    for expected in (
        store.path.name[:8], half.path.name[:8], "toy", "float32", "float16", "1,200",
        "max, mean of 2 levels", "1 half-written", f"in all: {tmp_path}",
    ):  # fmt: skip
        assert expected in said


def test_verifying_fails_where_damage_is_found_and_names_the_file(tmp_path, capsys):
    store = filled(tmp_path, range(30))
    assert command(tmp_path, "verify") == 0
    assert "0 problems; 30 rows" in capsys.readouterr().out
    (shard,) = shards_of(store)
    spoil(shard)
    assert command(tmp_path, "verify") == 1
    said = capsys.readouterr().out
    assert f"damaged: {shard}" in said
    assert "30 rows are computed again" in said
    assert "mlff features prune" in said


def test_pruning_says_what_and_how_much(tmp_path, capsys):
    store = filled(tmp_path, range(30))
    insert(store, range(20, 40))
    (store.path / "0.safetensors.damaged").write_bytes(b"12345")
    before = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    assert command(tmp_path, "prune") == 0
    lines = capsys.readouterr().out.splitlines()
    freed = before - sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    assert "features of another format version: none" in lines
    assert "damaged files: 5 bytes freed" in lines
    assert any(line.startswith("rows stored more than once: ") for line in lines)
    assert lines[-1].startswith(("1", "2", "3", "4", "5", "6", "7", "8", "9"))
    assert freed > 5
    assert list_spaces(tmp_path)[0].rows == 40


@pytest.mark.parametrize("key", ["damaged", "temporary", "old_formats", "duplicates"])
def test_what_is_switched_off_is_left_alone(tmp_path, capsys, monkeypatch, key):
    with monkeypatch.context() as patch:
        patch.setattr("mlff_cli.features.store.spaces.FORMAT_VERSION", 0)
        old = filled(tmp_path, range(3), dtype="float16")
    store = filled_beside(tmp_path, monkeypatch)
    (store.path / "0.safetensors.damaged").write_bytes(b"12345")
    (store.path / f"nobody-{2**22 + 1}-ab.tmp").write_bytes(b"123")
    os.utime(store.path / f"nobody-{2**22 + 1}-ab.tmp", (0, 0))
    assert command(tmp_path, "prune", **{key: False}) == 0
    left = {
        "old_formats": old.path.exists(),
        "damaged": (store.path / "0.safetensors.damaged").exists(),
        "temporary": any(store.path.glob("*.tmp")),
        "duplicates": len(shards_of(store)) == 2,
    }
    assert left == {name: name == key for name in left}


def test_a_space_is_deleted_by_the_beginning_of_its_name(tmp_path, capsys):
    store = filled(tmp_path, range(3))
    kept = filled(tmp_path, range(3), dtype="float16")
    assert command(tmp_path, "prune", spaces=[store.path.name[:6]]) == 0
    assert f"spaces {store.path.name[:6]}: " in capsys.readouterr().out
    assert not store.path.exists()
    assert kept.path.exists()


def mlff(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlff_cli", "features", *words, f"paths.features={folder}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder.parent,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
    )


def test_the_action_is_a_word_of_its_own(tmp_path):
    store = filled(tmp_path / "store", range(3))
    (shard,) = shards_of(store)
    spoil(shard)
    assert mlff(tmp_path / "store", "verify").returncode == 1
    pruned = mlff(tmp_path / "store", "prune", "duplicates=false")
    assert (pruned.returncode, "damaged files: " in pruned.stdout) == (0, True)
    wrong = mlff(tmp_path / "store", "prine")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean 'prune'?" in wrong.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"store"}


def test_torch_is_not_loaded():
    code = "import sys, mlff_cli.commands.features; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def filled_beside(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Fill a store twice over in a folder that also holds another format's space."""
    with monkeypatch.context() as patch:
        patch.setattr("mlff_cli.features.store.disk.refuse_other_formats", lambda folder: None)
        store = filled(folder, range(30))
        insert(store, range(20, 40))
    return store
