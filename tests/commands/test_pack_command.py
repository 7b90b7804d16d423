"""``mlff pack``: one file to be shipped, what changed since another, and predicting with either."""

import csv
import errno
import json
import os
import shutil
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_calls import TINY, call, refusal
from PIL import Image

from mlff_cli.config.shipped import shipped
from mlff_cli.data.surfaces import draw
from mlff_cli.errors import UserError
from mlff_cli.methods.mlff import MultiLevelFeatureFusion
from mlff_cli.runs.bundle.answering import Bundle
from mlff_cli.runs.bundle.archive import Archive, sealed
from mlff_cli.runs.bundle.description import DESCRIPTION, encoded
from mlff_cli.runs.bundle.on_demand import KEPT
from mlff_cli.runs.bundle.packing import Packed, packed
from mlff_cli.runs.deciding import DecisionSettings
from mlff_cli.runs.reopen import reopen

TRAINER = {**shipped("trainer/default"), "device": "cpu"}
PATHS = {**shipped("paths/default"), "graphs": f"{tempfile.gettempdir()}/mlff-graphs"}
ORIGIN = {"milliseconds", "bundle", "bundle_hash"}


@pytest.fixture(scope="session")
def new_images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for product, label in (("woven_fabric", "slub"), ("brushed_metal", "pit")):
        for number in range(2):
            pixels = draw(1, product, label, number, 48)
            Image.fromarray(pixels).save(folder / f"{product}_{number}.png")
    return folder


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A run with validation images enough to tell what is unknown."""
    folder = tmp_path_factory.mktemp("runs")
    words = (*TINY, "data.images_per_class=10", f"paths.runs={folder}")
    result = call("train", *words)
    assert result.code == 0, result.err
    (found,) = (folder / "surface_defect").iterdir()
    return found


@pytest.fixture
def line(run_folder, empty):
    """A bundle of the shared run."""
    result = call("pack", str(run_folder), "output=line.mlff")
    assert result.code == 0, result.err
    return empty / "line.mlff"


@pytest.fixture
def whole(run_folder, tmp_path):
    """The shared run, packed and not yet written."""
    paths = {**PATHS, "features": str(tmp_path / "features")}
    return packed(reopen(run_folder, trainer=TRAINER, paths=paths), "fp32", DecisionSettings())


@pytest.fixture
def old(whole, empty):
    """A bundle as it was before the last product came."""
    said = whole.description
    before = replace(said, heads=said.heads[:-1], experiences=said.experiences[:-1])
    (empty / "old.mlff").write_bytes(Packed(before, whole.contents).content())
    return empty / "old.mlff"


def told(path, images, *words):
    """Return the answers on images, line by line."""
    result = call("predict", str(path), str(images), *words, "output=told.csv")
    assert result.code == 0, result.err
    with Path("told.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same(line):
    return {name: cell for name, cell in line.items() if name not in ORIGIN}


def rewritten(path, **changes):
    """Write a bundle whose description says something else, and whose hashes fit."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    said = json.loads(members[DESCRIPTION])
    members[DESCRIPTION] = encoded({**said, **changes})
    path.write_bytes(sealed(members))


def opened(path):
    return Bundle(path, trainer=TRAINER, paths=PATHS)


def test_a_bundle_answers_as_the_run_does_to_the_bit(run_folder, line, new_images):
    for words in (("product=woven_fabric",), ("product=auto", "decision.review=0")):
        of_run, of_bundle = (told(path, new_images, *words) for path in (run_folder, line))
        assert [same(row) for row in of_bundle] == [same(row) for row in of_run]
    assert of_bundle[0]["bundle"] == "line.mlff"
    assert of_bundle[0]["bundle_hash"] == line.read_bytes()[-64:].decode()
    assert len({row["product"] for row in of_bundle}) > 1


@pytest.mark.parametrize(
    "words",
    [
        ("schedule.heads=shared", "fusion.shared=true", "data.labelling=good_defect"),
        ("method=closed_form", "fusion=normalised_means"),
    ],
)
def test_other_methods_are_packed_without_what_only_learning_on_needs(empty, new_images, words):
    tiny = [word for word in TINY if "epochs" not in word or "closed" not in words[0]]
    made = call("train", *tiny, *words)
    assert made.code == 0, made.err
    (run,) = (empty / "runs" / "surface_defect").iterdir()
    assert (run / "adapters" / "kept.safetensors").is_file()
    assert call("pack", str(run), "output=line.mlff").code == 0
    with zipfile.ZipFile("line.mlff") as archive:
        names = archive.namelist()
    assert names[:3] == [DESCRIPTION, "CARD.md", "shared.safetensors"]
    product = "product=woven_fabric"
    of_run, of_bundle = (told(path, new_images, product) for path in (run, "line.mlff"))
    assert [same(row) for row in of_bundle] == [same(row) for row in of_run]


def test_half_precision_takes_half_the_room_and_keeps_three_digits(
    run_folder, line, empty, new_images
):
    half = call("pack", str(run_folder), "output=half.mlff", "precision=fp16")
    assert half.code == 0, half.err
    assert "fp16" in half.out
    assert (empty / "half.mlff").stat().st_size < 0.6 * line.stat().st_size
    assert "nothing has changed" in refusal("pack", str(run_folder), "since=half.mlff")  # as fp16
    exact, rounded = (
        told(path, new_images, "product=woven_fabric") for path in (line, "half.mlff")
    )
    names = [name for name in exact[0] if name.startswith("score ")]
    scores = [[[float(row[name]) for name in names] for row in part] for part in (exact, rounded)]
    assert 0 < np.abs(np.subtract(*scores)).max() < 2e-3


def test_a_bundle_is_the_same_each_time_and_holds_neither_places_nor_code(run_folder, line, empty):
    content = line.read_bytes()
    again = call("pack", str(run_folder), "output=line.mlff")  # the same one may be there
    assert again.code == 0 and "line.mlff" in again.out
    assert line.read_bytes() == content
    with zipfile.ZipFile(line) as archive:
        kinds = {name.rpartition(".")[2] for name in archive.namelist()}
        card = archive.read("CARD.md").decode()
        said = json.loads(archive.read(DESCRIPTION))
    assert kinds == {"json", "md", "safetensors"}
    for place in (run_folder.parents[1], empty, os.environ["MLFF_CACHE"], PATHS["features"]):
        assert str(place).encode() not in content
    assert "paths" not in said["config"]
    for name in ("woven_fabric", "glazed_ceramic", said["fingerprint"], said["adapters"]):
        assert name in card
    assert content == line.read_bytes()


def test_a_bundle_carries_how_is_decided(run_folder, empty):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save("noise.png")
    words = ("operating_point.threshold=0.001", "decision.novelty=0.5", "decision.review=0.5")
    assert call("pack", str(run_folder), "output=strict.mlff", *words).code == 0
    (carried,) = told("strict.mlff", "noise.png", "product=woven_fabric")
    assert (carried["threshold"], carried["decision"]) == ("0.001", "unknown")
    asked = ("decision.novelty=0", "decision.review=0", "operating_point.threshold=1")
    (other,) = told("strict.mlff", "noise.png", "product=woven_fabric", *asked)
    assert (other["threshold"], other["decision"]) == ("1", "ok")
    (of_run,) = told(run_folder, "noise.png", "product=woven_fabric")
    points = json.loads((run_folder / "run.json").read_text("utf-8"))["points"]
    assert {float(of_run["threshold"])} < {point["threshold"] for point in points}
    review = ("output=no.mlff", "decision.review=0.01")
    assert "larger one" in refusal("pack", str(run_folder), *review)
    assert not (empty / "no.mlff").exists()


def test_a_delta_holds_what_changed_and_gives_the_very_bundle(run_folder, old, empty, line):
    made = call("pack", str(run_folder), f"since={old}", "output=new.delta")
    assert made.code == 0, made.err
    with zipfile.ZipFile("new.delta") as archive:
        assert archive.namelist() == [
            "delta.json", DESCRIPTION, "heads/0002.safetensors", "experiences/0002.safetensors",
        ]  # fmt: skip
    done = call("pack", str(old), "apply=new.delta", "output=new.mlff")
    assert done.code == 0, done.err
    assert (empty / "new.mlff").read_bytes() == line.read_bytes()


def test_a_delta_that_does_not_fit_is_refused(run_folder, old, empty, line, whole):
    assert call("pack", str(run_folder), f"since={old}", "output=new.delta").code == 0
    delta, before = empty / "new.delta", sorted(empty.iterdir())
    twice = refusal("pack", str(line), "apply=new.delta", "output=no.mlff")
    assert "it was applied before" in twice
    said = whole.description
    other = Packed(replace(said, run="other", heads=said.heads[:-1]), whole.contents)
    (empty / "other.mlff").write_bytes(other.content())
    wrong = ("apply=new.delta", "output=no.mlff")
    assert "names do not fit" in refusal("pack", "other.mlff", *wrong)
    other = Packed(replace(other.description, experiences=said.experiences[:-1]), whole.contents)
    (empty / "other.mlff").write_bytes(other.content())
    assert "is for another bundle" in refusal("pack", "other.mlff", *wrong)
    rewritten(empty / "other.mlff", fingerprint="ab" * 32)
    assert "is for another backbone" in refusal("pack", "other.mlff", *wrong)
    foreign = refusal("pack", str(run_folder), "since=other.mlff", "output=no.delta")
    assert "is a bundle for another backbone" in foreign
    content = delta.read_bytes()
    for place in (0, len(content) // 2, len(content) - 1):
        delta.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert "new.delta: is damaged" in refusal("pack", str(old), *wrong)
    delta.write_bytes(content)
    rewritten(delta, run="another")
    assert "does not give the bundle" in refusal("pack", str(old), *wrong)
    assert "is no delta" in refusal("pack", str(old), f"apply={line}", "output=no.mlff")
    delta.write_bytes(content)
    assert "is a delta" in refusal("pack", str(delta), *wrong)
    delta.rename(empty / "delta.mlff")
    assert "is a delta" in refusal("predict", "delta.mlff", "a.png")
    (empty / "delta.mlff").rename(delta)
    (empty / "other.mlff").unlink()
    assert sorted(empty.iterdir()) == before


def test_what_pack_cannot_do_is_said(run_folder, line, empty, monkeypatch):
    run = str(run_folder)
    assert "nothing has changed" in refusal("pack", run, f"since={line}")
    assert "give precision=fp32" in refusal("pack", run, f"since={line}", "precision=fp16")
    assert "ends in .mlff" in refusal("pack", run, "output=line.zip")
    assert "is a file" in refusal("pack", str(line))
    assert "is no run folder" in refusal("pack", str(empty))
    shutil.copytree(run_folder, "other")
    record = Path("other/run.json")
    said = json.loads(record.read_text("utf-8"))
    said["digests"]["adapters/adapters.json"] = "0" * 64
    record.write_text(json.dumps(said), "utf-8")
    assert "is not what the run wrote" in refusal("pack", "other", "output=no.mlff")
    shutil.rmtree("other")
    assert "leave precision= away" in refusal("pack", str(line), "apply=x", "precision=fp16")
    monkeypatch.setattr(MultiLevelFeatureFusion, "reads_features", False)
    assert "a bundle holds none" in refusal("pack", run, "output=no.mlff")
    assert sorted(path.name for path in empty.iterdir()) == ["line.mlff"]


def test_another_file_is_never_replaced(run_folder, line, old):
    content = line.read_bytes()
    words = ("output=line.mlff", "precision=fp16")
    assert "is there already" in refusal("pack", str(run_folder), *words)
    assert "ends in .delta" in refusal("pack", str(run_folder), f"since={old}", "output=a.mlff")
    assert call("pack", str(run_folder), f"since={old}", "output=new.delta").code == 0
    own = refusal("pack", str(old), "apply=new.delta", f"output={old}")
    assert "is there already" in own
    assert line.read_bytes() == content


def test_a_full_disk_leaves_nothing_half_written(run_folder, old, empty, monkeypatch):
    assert call("pack", str(run_folder), f"since={old}", "output=new.delta").code == 0
    before = {path: path.read_bytes() for path in empty.iterdir()}

    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    run, delta = str(run_folder), ("since=old.mlff", "output=more.delta")
    for words in ((run, "output=new.mlff"), (run, *delta), ("old.mlff", "apply=new.delta")):
        assert "no space is left on the disk" in refusal("pack", *words)
    assert {path: path.read_bytes() for path in empty.iterdir()} == before


def test_a_bundle_of_another_backbone_or_a_flipped_byte_is_refused(
    run_folder, line, empty, new_images
):
    (empty / "weights.safetensors").write_bytes(b"other")
    words = (str(new_images), "product=woven_fabric")
    other = refusal("predict", str(line), *words, "backbone.weights=weights.safetensors")
    assert "is a bundle for another backbone" in other and "weights.safetensors" in other
    own = refusal("predict", str(run_folder), *words, "backbone.weights=weights.safetensors")
    assert "weights.safetensors" in own
    gone = refusal("predict", str(line), *words, "backbone.weights=gone.pth")
    assert "there is no file 'gone.pth'" in gone
    wrong = refusal("predict", str(line), str(new_images), "product=woven_fabrik")
    assert "did you mean 'woven_fabric'?" in wrong
    content = line.read_bytes()
    places = [*range(0, len(content), len(content) // 40), len(content) - 1]
    for place in places:
        line.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(UserError, match="is damaged"):
            Archive(line)
    assert "line.mlff: is damaged" in refusal("predict", str(line), *words)
    line.write_bytes(content)
    assert told(line, *words)


def test_weights_of_ones_own_are_looked_for_beside_the_bundle(line, empty, new_images):
    said = opened(line).description
    own = {**said.config["backbone"], "weights": "../../own.safetensors"}
    rewritten(line, config={**said.config, "backbone": own})
    words = (str(new_images), "product=woven_fabric")
    assert "there is no file 'own.safetensors'" in refusal("predict", "line.mlff", *words)
    (empty / "own.safetensors").write_bytes(b"other")
    assert "own.safetensors makes" in refusal("predict", "line.mlff", *words)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 99}, "has format 99"),
        ({"heads": []}, "names do not fit"),
        ({"points": [{}]}, "is damaged"),
        ({"heads": 3}, "is damaged"),
        ({"config": {}}, "is damaged"),
        ({"config": {"method": {"name": "os"}}}, "is damaged"),
        ({"config": {"trainer": 3}}, "is damaged"),
    ],
)
def test_what_a_stranger_says_in_a_bundle_is_refused(line, new_images, changes, reason):
    rewritten(line, **changes)
    said = refusal("predict", str(line), str(new_images), "product=woven_fabric")
    assert reason in said and "line.mlff" in said


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[]", b"\xff", b"{}", b""])
def test_a_description_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "a.mlff"
    path.write_bytes(sealed({DESCRIPTION: content}))
    assert "is damaged" in refusal("predict", str(path), "a.png")
    path.write_bytes(sealed({"other": content}))
    assert "is no bundle of mlff pack" in refusal("predict", str(path), "a.png")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("CARD.md", "its hash does not fit"), ("/etc/passwd", "holds no '/etc/passwd'")],
)
def test_members_are_those_of_the_bundle(line, new_images, name, reason):
    with zipfile.ZipFile(line) as archive:
        heads = json.loads(archive.read(DESCRIPTION))["heads"]
    for head in heads:
        head["tensors"] = {"name": name, "sha256": "0" * 64}
    rewritten(line, heads=heads)
    assert reason in refusal("predict", str(line), str(new_images), "product=woven_fabric")


def test_a_config_that_no_run_has_is_refused(line, new_images):
    config = opened(line).description.config
    for change, reason in (
        ({"method": {"name": "os"}}, "'os' is no method"),
        ({"fusion": {**config["fusion"], "shared": True}}, "fusion layers do not fit"),
        ({"extra": 1}, "there is no key 'extra'"),
    ):
        rewritten(line, config={**config, **change})
        said = refusal("predict", str(line), str(new_images), "product=woven_fabric")
        assert reason in said and "line.mlff" in said


def test_tensors_of_another_shape_are_refused(whole, empty, new_images):
    said = whole.description
    heads = (replace(said.heads[0], outputs=("good", "pit")), *said.heads[1:])
    changed = Packed(replace(said, heads=heads), whole.contents)
    (empty / "a.mlff").write_bytes(changed.content())
    words = ("a.mlff", str(new_images), f"product={said.heads[0].name}")
    assert "heads/0000.safetensors: does not fit" in refusal("predict", *words)


def test_products_are_loaded_when_they_are_asked_for(whole, tmp_path, monkeypatch):
    said, count = whole.description, KEPT + 5
    heads = tuple(replace(said.heads[0], name=f"p{number}") for number in range(count))
    experiences = tuple(replace(said.experiences[0], name=h.name, head=h.name) for h in heads)
    many = Packed(replace(said, heads=heads, experiences=experiences), whole.contents)
    path = tmp_path / "many.mlff"
    path.write_bytes(sealed({DESCRIPTION: encoded(many.description), **many.ordered()}))
    read, own = [], Archive.read
    monkeypatch.setattr(Archive, "read", lambda self, name: read.append(name) or own(self, name))
    deployed = opened(path).deployed()
    assert set(read) == {DESCRIPTION}
    read.clear()
    method = deployed.method_of("p3")
    assert deployed.method_of("p3") is method
    assert len(deployed.calibration.heads["p3"].novelty.means) == len(said.heads[0].outputs)
    assert read == [said.heads[0].tensors.name]
    assert method.heads == {"p3": said.heads[0].outputs}
    for name in deployed.heads:
        assert deployed.method_of(name).context is method.context
    assert deployed.method_of("p3") is not method  # it made room for those that came after
