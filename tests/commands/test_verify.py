"""The audit: says verified of what a run left, and names whatever was changed since."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file
from tiny_task import TINY, write_images

from mlff_cli.system.files import write_atomically


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images and a finished run of them."""
    from mlff_cli.cli.main import main

    folder = tmp_path_factory.mktemp("made")
    write_images(folder / "images")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.chdir(folder)
        main(["train", *TINY, "dataset=folder", "data.root=images", "paths.features=features"])
    assert end.value.code == 0
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run in a copy of that folder."""
    shutil.copytree(made, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    (found,) = (tmp_path / "copy/runs/custom").iterdir()
    return found


def test_a_run_is_verified_wherever_its_folder_lies(run, mlff, tmp_path):
    moved = tmp_path / "archive, 2026"
    shutil.move(run, moved)
    code, said = mlff("verify", str(moved), "trainer.device=cpu")
    assert code == 0, said
    assert said.endswith(f"{moved}: verified\n")


def test_nothing_computed_before_takes_part(run, mlff):
    shutil.rmtree(run.parents[2] / "features")
    code, said = mlff("verify", str(run), "trainer.device=cpu")
    assert code == 0, said
    assert not (run.parents[2] / "features").exists()


def edited(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        text = (run / name).read_text()
        assert old in text
        (run / name).write_text(text.replace(old, new, 1))

    return edit


def other_score(run: Path) -> None:
    lines = (run / "matrix.csv").read_text().splitlines()
    cells = lines[-1].split(",")
    cells[3] = repr(float(cells[3]) - 0.25 if float(cells[3]) > 0.5 else 0.75)
    (run / "matrix.csv").write_text("\n".join([*lines[:-1], ",".join(cells)]) + "\n")


def other_weights(run: Path) -> None:
    """Change the heads and all hashes with them: only the scores can tell."""
    from safetensors.torch import load_file

    from mlff_cli.methods.base import State
    from mlff_cli.runs.adapters_file import save_adapters

    state = load_file(run / "adapters/adapters.safetensors")
    about = json.loads((run / "adapters/adapters.json").read_text())
    tensors = {name: -tensor if ".linear." in name else tensor for name, tensor in state.items()}
    heads = {head["name"]: tuple(head["outputs"]) for head in about["heads"]}
    save_adapters(run / "adapters", State(heads, tensors), fingerprint=about["backbone"])


def without_a_tensor(run: Path) -> None:
    file = run / "adapters/adapters.safetensors"
    state = load_file(file)
    state.popitem()
    save_file(state, file)


def image(name: str, change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda run: change(run.parents[2] / "images" / name)


def paint(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()
    picture.putpixel((3, 3), (1, 2, 3))
    picture.save(path)


CHANGES: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "seed in the config": (edited("config.yaml", "seed: 0", "seed: 1"), ("config.yaml",)),
    "epochs in the config": (edited("config.yaml", "epochs: 2", "epochs: 3"), ("config.yaml",)),
    "image size in the config": (
        edited("config.yaml", "image_size: 32", "image_size: 40"),
        ("config.yaml", "another backbone"),
    ),
    "a score": (other_score, ("matrix.csv", "hash", "now")),
    "a split": (edited("splits.csv", ",train,", ",test,"), ("splits.csv", "its hash is another")),
    "a figure": (edited("figures.csv", "learning,", "learning,1"), ("figures.csv",)),
    "a fact": (edited("run.json", '"seed": 0', '"seed": 1'), ("run.json", "DONE")),
    "the mark of the end": (edited("DONE", "", "0"), ("run.json", "DONE")),
    "weights with their hashes": (other_weights, ("matrix.csv: ", "scored again on cpu")),
    "a tensor left out": (without_a_tensor, ("adapters.safetensors", "damaged")),
    "an image repainted": (image("nut/bad/1.png", paint), ("nut/bad/1.png", "another content")),
    "an image removed": (image("nut/bad/1.png", Path.unlink), ("1 images are gone: nut/bad",)),
    "an image added": (
        image("nut/bad/1.png", lambda p: shutil.copy(p, p.with_name("7.png"))),
        ("1 images are new: nut/bad/7.png",),
    ),
    "all images removed": (image("", shutil.rmtree), ("data.root",)),
    "the hashes removed": (edited("run.json", '"digests"', '"other"'), ("run.json", "digests")),
    "the matrix removed": (lambda run: (run / "matrix.csv").unlink(), ("matrix.csv",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_is_named(run, mlff, name):
    change, expected = CHANGES[name]
    change(run)
    code, said = mlff("verify", str(run), "trainer.device=cpu")
    assert code == 1, said
    for text in expected:
        assert text in said, said
    assert said.endswith(f"{run}: not verified\n")
    assert "Traceback" not in said


def test_exemplars_and_sums_are_verified_as_well(made, tmp_path, mlff, monkeypatch):
    monkeypatch.chdir(made)
    images = ("dataset=folder", "data.root=images", "paths.features=features")
    words = [*TINY, *images, "schedule.heads=shared", f"paths.runs={tmp_path}"]
    trained = next(word for word in TINY if word.startswith("method.epochs"))
    for method in ("mlff", "closed_form"):
        own = words if method == "mlff" else [word for word in words if word != trained]
        code, said = mlff("train", f"method={method}", *own)
        assert code == 0, said
        (run,) = (tmp_path / "custom").glob(f"{method}-*")
        file = run / "adapters/kept.safetensors"
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        code, said = mlff("verify", str(run), "trainer.device=cpu")
        assert code == 1 and "kept.safetensors: is damaged" in said, said


def test_a_run_that_is_not_finished_cannot_be_verified(run, mlff):
    (run / "DONE").unlink()
    code, said = mlff("verify", str(run))
    assert code == 2
    assert "is not finished" in said


def test_no_run_can_be_verified_where_there_is_none(tmp_path, mlff):
    write_atomically(tmp_path / "text", "no run")
    for folder in (tmp_path, tmp_path / "gone", tmp_path / "text"):
        code, said = mlff("verify", str(folder))
        assert code == 2
        assert "is no run folder" in said or "text" in said
