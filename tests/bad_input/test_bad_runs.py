"""Weights, adapters and run folders that are damaged, foreign or malicious."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from refusals import FOLDER, HERE, cut, refused, run_of
from safetensors.numpy import load_file, save_file


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    """The tensors that the usual backbone has, under timm's names."""
    from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0

    recipe = EfficientNetLite0(image_size=32, weights=None, levels=[])
    return {name: t.numpy() for name, t in (recipe.state(recipe.weights_file) or {}).items()}


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("executed",))


def pickled_bomb(path: Path) -> None:
    path.write_bytes(pickle.dumps({"conv_stem.weight": Bomb()}))


def torch_bomb(path: Path) -> None:
    import torch

    torch.save({"conv_stem.weight": Bomb()}, path)


WEIGHTS = {
    "weights missing": (lambda path, state: None, "w.safetensors", "there is no file"),
    "weights of another architecture": (
        lambda path, state: save_file({"fc.weight": np.zeros((2, 2), "f4")}, path),
        "w.safetensors", "no weights of"),
    "weights truncated": (
        lambda path, state: (save_file(state, path), cut(path)), "w.safetensors", "cannot be read"),
    "weights of another shape": (
        lambda path, state: save_file(
            {**state, "conv_stem.weight": np.zeros((3, 3, 3, 3), "f4")}, path),
        "w.safetensors", "no weights of"),
    "weights with NaN": (
        lambda path, state: save_file(
            {**state, "bn1.weight": np.full_like(state["bn1.weight"], np.nan)}, path),
        "w.safetensors", "NaN"),
    "weights of zero bytes": (
        lambda path, state: path.write_bytes(b""), "w.safetensors", "cannot be read"),
    "weights that are a pickle with code": (
        lambda path, state: pickled_bomb(path), "w.pth", "not loaded"),
    "weights of torch with code": (lambda path, state: torch_bomb(path), "w.pth", "not loaded"),
    "a pickle named .safetensors": (
        lambda path, state: pickled_bomb(path), "w.safetensors", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", WEIGHTS)
def test_bad_weights_are_refused(place, mlff, weights, name):
    make, file, expected = WEIGHTS[name]
    make(place / file, weights)
    refused(mlff, name, (*FOLDER, f"backbone.weights={file}"), file, expected)
    assert not (place / "executed").exists()


def rewritten(place: Path, name: str, change: Callable[[str], str]) -> None:
    file = place / "runs" / run_of(place) / name
    file.write_text(change(file.read_text()))


def tensors_replaced(place: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change every tensor of the adapters and let the hashes fit."""
    import torch

    from mlff_cli.methods.base import State
    from mlff_cli.runs.adapters_file import save_adapters

    folder = place / "runs" / run_of(place) / "adapters"
    description = json.loads((folder / "adapters.json").read_text())
    state = load_file(folder / "adapters.safetensors")
    heads = {head["name"]: tuple(head["outputs"]) for head in description["heads"]}
    tensors = {name: torch.from_numpy(change(tensor)) for name, tensor in state.items()}
    save_adapters(folder, State(heads, tensors), fingerprint=description["backbone"])


def newer(place: Path) -> None:
    rewritten(place, "adapters/adapters.json", lambda t: t.replace('"format": 2', '"format": 99'))


def adapters_file(place: Path) -> Path:
    return place / "runs" / run_of(place) / "adapters" / "adapters.safetensors"


RUNS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "adapters missing": (lambda p: adapters_file(p).unlink(), ("adapters.safetensors", "No such")),
    "adapters truncated": (lambda p: cut(adapters_file(p)), ("adapters.safetensors", "damaged")),
    "adapters that are a pickle": (lambda p: pickled_bomb(adapters_file(p)), ("damaged",)),
    "adapters with NaN": (
        lambda p: tensors_replaced(p, lambda t: np.full_like(t, np.nan) if t.dtype == "f4" else t),
        ("NaN",)),
    "adapters of another shape": (
        lambda p: tensors_replaced(p, lambda t: np.zeros((3, *t.shape), t.dtype)),
        ("adapters", "does not fit")),
    "adapters of a newer format": (newer, ("adapters.json", "format 99", "pip install -U")),
    "adapters of another backbone": (
        lambda p: rewritten(p, "config.yaml", lambda t: t.replace("size: 32", "size: 40")),
        ("another backbone", "fingerprint")),
    "adapters' description cut off": (
        lambda p: rewritten(p, "adapters/adapters.json", lambda t: t[:50]), ("adapters.json",)),
    "adapters' description a list": (
        lambda p: rewritten(p, "adapters/adapters.json", lambda t: "[1, 2]"), ("adapters.json",)),
    "config that is no YAML": (
        lambda p: rewritten(p, "config.yaml", lambda t: "seed: [1"), ("config.yaml", "damaged")),
    "config with an unknown key": (
        lambda p: rewritten(p, "config.yaml", lambda t: t + "extra: 1\n"), ("'extra'",)),
    "config without a section": (
        lambda p: rewritten(p, "config.yaml", lambda t: t[: t.index("method:")]), ("choice",)),
    "config with a Python object": (
        lambda p: rewritten(
            p, "config.yaml", lambda t: t + "x: !!python/object/apply:os.mkdir [executed]\n"),
        ("config.yaml", "damaged")),
    "matrix cut off": (
        lambda p: rewritten(p, "matrix.csv", lambda t: "seed,value\n"), ("matrix.csv",)),
    "matrix with text for a number": (
        lambda p: rewritten(p, "matrix.csv", lambda t: t.replace("\n1,", "\none,")),
        ("experience_trained",)),
    "run.json cut off": (lambda p: rewritten(p, "run.json", lambda t: t[:30]), ("run.json",)),
    "run.json without facts": (lambda p: rewritten(p, "run.json", lambda t: "{}"), ("run.json",)),
    "not finished": (
        lambda p: (p / "runs" / run_of(p) / "DONE").unlink(), ("not finished", "mlff train")),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_bad_run_folder_is_refused(place, mlff, name):
    spoil, expected = RUNS[name]
    (place / "harm me").touch()
    run = place / "runs" / run_of(place)
    spoil(place)
    words = ("evaluate", str(run), "trainer.device=cpu", *HERE)
    # What a run cost is of no concern to its scores.
    refused(mlff, name, ("report", str(run)) if "run.json" in name else words, *expected)
    assert not (place / "executed").exists()


def test_another_manifest_may_be_all_in_test(place, mlff):
    rows = [f"bolt/{label}/{n}.png,{label},bolt,test" for label in ("bad", "good") for n in (0, 1)]
    (place / "images/list.csv").write_text("\n".join(["path,label,product,split", *rows]))
    run = place / "runs" / run_of(place)
    words = ("evaluate", str(run), "dataset=csv", "data.file=images/list.csv", *HERE)
    code, said = mlff(*words, "trainer.device=cpu", "score_trained_images=true")
    assert code == 0, said
    (place / "images/list.csv").write_text("path,label,product\nbolt/bad/0.png,worn,bolt\n")
    told = (*words, "score_trained_images=true")
    refused(mlff, "label that no head knows", told, "'worn'", "bad, good")
