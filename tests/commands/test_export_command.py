"""``mlff export``: a file that answers as its run does, on a tiny network."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_calls import Result, call, imported, refusal
from PIL import Image
from tiny_task import picture, write_images

from mlff_cli.config.shipped import shipped
from mlff_cli.runs.export import gate, litert, network, onnx_file
from mlff_cli.runs.export.card import card_of
from mlff_cli.runs.export.product import exported_product
from mlff_cli.runs.export.session import Session

EXAMPLE = Path(__file__).parents[2] / "examples" / "onnx_predict.py"

Train = Callable[..., Path]


@pytest.fixture(scope="session")
def train(weights_of, tmp_path_factory) -> Train:
    """Trains on noise of 24 x 24 pixels, which the tiny network sees at 32; returns the run."""
    images = tmp_path_factory.mktemp("images")
    write_images(images, images=14)
    weights = weights_of("test_efficientnet")

    def trained(*words: str, root: Path = images) -> Path:
        folder = tmp_path_factory.mktemp("run")
        source = () if any(w.startswith("data.file") for w in words) else (f"data.root={root}",)
        result = call(
            "train", "task=custom", *source, "data.image_size=32", "splits.validation=0.3",
            "backbone=timm", "backbone.model=test_efficientnet", f"backbone.weights={weights}",
            "trainer.workers=0", f"paths.runs={folder}", *words,
        )  # fmt: skip
        assert result.code == 0, result.err
        (run,) = (folder / "custom").iterdir()
        return run

    return trained


@pytest.fixture(scope="session")
def run(train) -> Path:
    """A run of two products, bolt and nut."""
    return train("method.epochs=2")


@pytest.fixture(scope="session")
def made(run, tmp_path_factory) -> tuple[Path, Result]:
    """The file of the bolts, and what was said of it."""
    file = tmp_path_factory.mktemp("made") / "bolts.onnx"
    result = call("export", str(run), "product=bolt", f"output={file}")
    assert result.code == 0, result.err
    return file, result


@pytest.fixture
def new(tmp_path) -> Path:
    """Images of several sizes and kinds that nobody has labelled."""
    folder = tmp_path / "new"
    folder.mkdir()
    for number, shape in enumerate([(24, 24, 3), (32, 32, 3), (90, 41, 3), (33, 120), (31, 32, 3)]):
        Image.fromarray(picture(shape, number)).save(folder / f"{number}.png")
    return folder


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def predicted(output: Path, *words: str) -> list[dict[str, str]]:
    result = call("predict", *words, f"output={output}")
    assert result.code == 0, result.err
    return rows(output)


def test_the_file_answers_as_the_run_does(run, made, new, empty):
    file, said = made
    assert "0 answered otherwise" in said.out
    assert said.out.splitlines()[-1].startswith(f"{file} (fp32, ")
    ours = predicted(empty / "ours.csv", str(run), str(new), "product=bolt")
    theirs = predicted(empty / "theirs.csv", str(file), str(new))
    assert len(theirs) == 5
    for own, other in zip(ours, theirs, strict=True):
        assert own.keys() == other.keys()
        close = {name for name in own if name.startswith("score ")} | {"defect_score"}
        for name in own.keys() - close - {"milliseconds"}:
            assert own[name] == other[name], name
        for name in close:
            assert float(own[name]) == pytest.approx(float(other[name]), abs=1e-5)


def test_one_image_and_several_at_a_time_say_the_same(made):
    session = Session(made[0].read_bytes(), "bolts")
    images = picture((5, 50, 37, 3))
    together = session(images)
    assert together.scores.shape == (5, 2)
    for place in range(5):
        alone = session(images[place : place + 1])
        np.testing.assert_allclose(alone.scores[0], together.scores[place], atol=1e-5)
        assert alone.decision[0] == together.decision[place]


def test_the_card_says_what_it_is(run, made):
    card = card_of(Session(made[0].read_bytes(), "bolts").metadata, "bolts")
    record = json.loads((run / "run.json").read_text())
    (point,) = (p for p in record["points"] if p["experience"] == "bolt")
    assert (card.product, card.classes, card.good) == ("bolt", ("bad", "good"), "good")
    assert card.threshold == point["threshold"]
    assert card.provenance["adapters"] == record["digests"]["adapters/adapters.json"]
    assert card.decisions == ("ok", "defect", "review", "unknown", "")
    assert (card.size, card.precision, card.novelty) == ((32, 32), "fp32", 0.01)


def test_the_point_where_good_ends_can_be_moved_without_the_run(made, new, empty):
    file, _ = made
    words = (str(file), str(new), "decision.novelty=null")
    caught = predicted(empty / "a.csv", *words, "operating_point.threshold=0")
    assert {(row["decision"], row["threshold"]) for row in caught} == {("defect", "0.0")}
    passed = predicted(empty / "b.csv", *words, "operating_point.threshold=1")
    assert {(row["decision"], row["threshold"]) for row in passed} == {("ok", "1.0")}
    strange = predicted(empty / "c.csv", str(file), str(new), "decision.novelty=0.999")
    assert {row["decision"] for row in strange} == {"unknown"}


def test_what_is_chosen_on_the_way_is_in_the_file(run, new, empty):
    words = ("product=nut", "operating_point.threshold=0.25", "decision.novelty=0.7")
    made = call("export", str(run), *words, "decision.review=0.3", "output=nuts.onnx")
    assert made.code == 0, made.err
    ours = predicted(empty / "ours.csv", str(run), str(new), *words, "decision.review=0.3")
    theirs = predicted(empty / "theirs.csv", "nuts.onnx", str(new))
    told = [[row["decision"], row["threshold"], row["novelty"]] for row in ours]
    assert told == [[row["decision"], row["threshold"], row["novelty"]] for row in theirs]
    assert {"0.25"} == {row["threshold"] for row in theirs}
    plain = predicted(empty / "plain.csv", str(run), str(new), "product=nut")
    assert told != [[row["decision"], row["threshold"], row["novelty"]] for row in plain]


def test_it_runs_where_there_is_no_torch(made, new):
    program = (
        "import runpy, sys\n"
        "for name in ('torch', 'torchvision', 'timm', 'mlff_cli', 'onnx'):\n"
        "    sys.modules[name] = None\n"
        f"sys.argv = ['example', *sys.argv[1:]]\nrunpy.run_path({str(EXAMPLE)!r})\n"
    )
    files = sorted(map(str, new.iterdir()))
    done = subprocess.run(
        [sys.executable, "-c", program, str(made[0]), *files],
        capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    said = [line.removeprefix(path).split() for path, line in zip(files, done.stdout.splitlines(),
                                                                  strict=True)]  # fmt: skip
    session = Session(made[0].read_bytes(), "bolts")
    card = card_of(session.metadata, "bolts")
    for path, (label, decision, defect, _) in zip(files, said, strict=True):
        with Image.open(path) as image:
            expected = session(np.asarray(image.convert("RGB"))[None])
        assert label == card.classes[expected.scores[0].argmax()]
        assert decision == card.decisions[expected.decision[0]]
        assert float(defect) == pytest.approx(expected.defect_score[0], abs=1e-3)


def test_predicting_with_a_file_imports_no_torch(made, new):
    result, modules = imported("predict", str(made[0]), str(new), folder=new)
    assert result.code == 0, result.err
    assert "onnxruntime" in modules
    assert not modules & {"torch", "torchvision", "timm"}


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_what_fewer_digits_lose_is_told(precision, run, made, empty):
    words = ("product=bolt", f"precision={precision}", "output=small.onnx", "max_drop=0.99")
    result = call("export", str(run), *words)
    assert result.code == 0, result.err
    assert "validation images: accuracy" in result.out and "scores differ by up to" in result.out
    assert (empty / "small.onnx").stat().st_size < made[0].stat().st_size


def refused_file(*words: str) -> str:
    """Return why a file is not written by a command that has said something before."""
    result = call(*words)
    assert result.code == 2, result
    (line,) = result.err.splitlines()
    return line


def test_what_fewer_digits_lose_is_bounded(run, made, empty, monkeypatch):
    monkeypatch.setattr(onnx_file, "onnx_file", lambda exported, precision: made[0].read_bytes())
    monkeypatch.setattr(gate.Comparison, "drop", 0.5)
    (empty / "small.onnx").write_text("of an earlier export")
    words = ("export", str(run), "product=bolt", "precision=int8", "output=small.onnx")
    assert "a loss of 0.5, more than max_drop=0.3" in refused_file(*words, "max_drop=0.3")
    assert (empty / "small.onnx").read_text() == "of an earlier export"
    assert [path.name for path in empty.iterdir()] == ["small.onnx"]


def test_scores_that_differ_are_refused_without_another_decision(run, made, empty, monkeypatch):
    monkeypatch.setattr(onnx_file, "onnx_file", lambda exported, precision: made[0].read_bytes())
    monkeypatch.setattr(gate, "TOLERANCE", -1.0)
    said = refused_file("export", str(run), "product=bolt", "output=bolts.onnx")
    assert "0 of 8 validation images are answered otherwise, and scores differ" in said
    assert list(empty.iterdir()) == []


def test_a_graph_that_says_something_else_is_not_kept(run, empty, monkeypatch):
    monkeypatch.setattr(network, "normalised", lambda images, _: images.float() * 50)
    said = refused_file("export", str(run), "product=bolt", "output=bolts.onnx")
    assert "bolts.onnx is not written" in said
    assert "validation images are answered otherwise" in said
    assert ".png (" in said and ", now " in said
    assert list(empty.iterdir()) == []


def test_without_validation_images_nothing_is_exported(train, empty):
    run = train("splits.validation=0", "method.epochs=1")
    said = refusal("export", str(run), "product=nut", "output=a.onnx")
    assert "'nut' has no validation images" in said and "splits.validation=" in said
    assert list(empty.iterdir()) == []


def test_what_cannot_be_exported_is_told_at_once(run, empty, monkeypatch):
    assert "product= is needed" in refusal("export", str(run), "output=a.onnx")
    wrong = refusal("export", str(run), "product=bolts", "output=a.onnx")
    assert "did you mean 'bolt'?" in wrong
    assert "ends in .onnx" in refusal("export", str(run), "product=bolt", "output=a.tflite")
    assert "product=auto: a file answers for one product" in refusal(
        "export", str(run), "product=auto", "output=a.onnx"
    )
    assert "'output' has no value" in refusal("export", str(run), "product=bolt")
    moved = refusal("export", str(run), "product=bolt", "output=a.onnx", f"data.root={empty}")
    assert str(empty) in moved
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    missing = refused_file("export", str(run), "product=bolt", "output=a.onnx")
    assert "pip install 'mlff[export]'" in missing
    assert list(empty.iterdir()) == []


def test_litert_is_an_extra(run, empty, monkeypatch):
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    words = ("export", str(run), "product=bolt", "format=litert")
    assert "pip install 'mlff[litert]'" in refused_file(*words, "output=a.tflite")
    assert "a LiteRT file is fp32" in refused_file(*words, "output=a.tflite", "precision=int8")
    assert "ends in .tflite (format=litert)" in refusal(*words, "output=a.onnx")
    assert list(empty.iterdir()) == []


def test_what_is_given_to_litert_says_the_same(run, made, tmp_path):
    import torch

    paths = {**shipped("paths/default"), "features": "unused", "graphs": str(tmp_path)}
    config = {**shipped("export"), "run": str(run), "product": "bolt", "paths": paths}
    exported = exported_product(config)
    graph = litert.folded(litert.OneImage(exported.network(), exported.limits), (32, 32))
    assert "aten.eye.default" not in {str(node.target) for node in graph.graph.nodes}
    image = picture((1, 32, 32, 3))
    said = Session(made[0].read_bytes(), "bolts")(image)
    with torch.no_grad():
        scores, defect, novelty, decision = graph(torch.from_numpy(image))
    np.testing.assert_allclose(scores.numpy(), said.scores, atol=1e-5)
    np.testing.assert_allclose(defect.numpy(), said.defect_score, atol=1e-5)
    assert (novelty.item(), decision.item()) == (said.novelty.item(), said.decision.item())


def test_what_a_file_cannot_do_is_told(made, new, empty):
    file = str(made[0])
    assert "answers for 'bolt' alone" in refusal("predict", file, str(new), "product=nut")
    assert "does not say where it looked" in refusal("predict", file, str(new), "overlays=o")
    review = refusal("predict", file, str(new), "decision.review=0.3")
    assert "was exported without it" in review
    (empty / "no.onnx").write_text("text")
    assert "cannot be loaded as an ONNX file" in refusal("predict", "no.onnx", str(new))
    assert "gone.onnx: cannot be read" in refusal("predict", "gone.onnx", str(new))


def test_a_changed_byte_is_noticed(made, new, empty):
    content = made[0].read_bytes()
    places = [0, 9, len(content) // 3, len(content) // 2, len(content) - 300, len(content) - 1]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1
        (empty / "changed.onnx").write_bytes(changed)
        said = refusal("predict", "changed.onnx", str(new))
        assert "changed.onnx: " in said
    (empty / "changed.onnx").write_bytes(content[:-1])
    assert "changed.onnx: " in refusal("predict", "changed.onnx", str(new))


def test_a_graph_of_somebody_else_is_refused(new, empty):
    import onnx

    graph = onnx.parser.parse_graph("g (uint8[b,h,w,3] image) => (uint8[b,h,w,3] same) "
                                    "{ same = Identity (image) }")  # fmt: skip
    onnx.save(onnx.helper.make_model(graph, ir_version=10), "theirs.onnx")
    assert "was not made by mlff export" in refusal("predict", "theirs.onnx", str(new))


def manifest(folder: Path, header: str, cell: Callable[[int], str]) -> Path:
    """Write images and a list of them with a column that `cell` fills."""
    lines = [f"path,{header}"]
    for number in range(28):
        Image.fromarray(picture((20, 30, 3), number)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{cell(number)}")
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    return folder / "list.csv"


KINDS = {
    "multi_label": (
        ("head=multi_label", "fusion=conv1x1", "method.epochs=1"),
        "labels",
        lambda number: ("", "a", "b", "a;b")[number % 4],
    ),
    "regressor": (
        ("head=regressor", "method=finetune", "method.epochs=1"),
        "target_dx",
        lambda number: str(30 * (number % 7)),
    ),
    "closed_form": (
        ("method=closed_form", "fusion=deepest"),
        "label",
        lambda number: ("good", "bad")[number % 2],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_heads_fusions_and_methods(kind, train, new, empty):
    words, header, cell = KINDS[kind]
    run = train("dataset=csv", f"data.file={manifest(empty, header, cell)}", *words)
    result = call("export", str(run), "output=a.onnx")
    assert result.code == 0, result.err
    ours = predicted(empty / "ours.csv", str(run), str(new))
    theirs = predicted(empty / "theirs.csv", "a.onnx", str(new))
    for own, other in zip(ours, theirs, strict=True):
        for name in ("product", "decision", "threshold", "novelty"):
            assert own[name] == other[name]
        for name in (name for name in own if name.startswith("score ")):
            assert float(own[name]) == pytest.approx(float(other[name]), rel=1e-4, abs=1e-4)


def test_images_in_memory_are_answered_as_their_files(made, new):
    from mlff_cli import predict

    files = sorted(new.iterdir())
    by_file = predict(made[0], files)
    by_pixels = predict(made[0], [Image.open(file) for file in files])
    others = ["path", "content", "milliseconds"]
    assert by_file.drop(columns=others).equals(by_pixels.drop(columns=others))
    assert (by_file["problem"] == "").all()
