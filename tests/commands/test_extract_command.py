"""``mlff features extract``: shares by several processes, and a run that finds all of them."""

import json
import re
import shutil
import signal
from pathlib import Path
from typing import NamedTuple

import pytest
from command_calls import call, refusal, start
from small_products import QUICK, products, read, trained

VARIED = (
    "data.image_size=32",
    "data.images_per_class=5",
    "method.epochs=2",
    "features.variations=3",
    "backbone.engine=torch",
)
IMAGES, TRAINED = 75, 45
ROWS = IMAGES + 2 * TRAINED


class Said(NamedTuple):
    own: int
    extracted: int
    there: int


def said(out: str) -> Said:
    own = re.search(r"^share \S+.*: ([\d,]+) of ", out, flags=re.MULTILINE)
    rows = re.search(r"^([\d,]+) rows .* s, ([\d,]+) were there: ", out, flags=re.MULTILINE)
    assert own and rows, out
    return Said(*(int(text.replace(",", "")) for text in (own[1], *rows.groups())))


def extracted(*words: str) -> Said:
    result = call("features", "extract", *words)
    assert result.code == 0, result.err
    return said(result.out)


def images_extracted(folder: str) -> int:
    return sum(step["images_extracted"] for step in json.loads(read(folder, "run.json"))["steps"])


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """What two of three shares, computed at once, and a run without shares have left and said.

    The second is killed once it has stored its images as they are, and started again later.
    """
    here = tmp_path_factory.mktemp("shared")
    words = [*VARIED, "paths.features=store"]
    alone = start("train", *VARIED, "paths.features=own", "paths.runs=alone", folder=here)
    shares = [
        start("features", "extract", *words, f"shard={number}/3", folder=here) for number in (1, 2)
    ]
    first, killed = shares
    passes = 0
    for line in killed.stdout:
        passes += "go through the backbone" in line
        if passes == 2:
            break
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    outputs = [process.communicate(timeout=120) for process in (first, alone)]
    assert [p.returncode for p in (killed, first, alone)] == [-signal.SIGKILL, 0, 0], outputs
    return here, said(outputs[0][0])


def test_shares_of_several_processes_one_killed_make_one_run_of_the_same_bytes(shared, monkeypatch):
    here, first = shared
    monkeypatch.chdir(here)
    words = (*VARIED, "paths.features=store")
    second, third = (extracted(*words, f"shard={number}/3") for number in (2, 3))
    assert first.there == third.there == 0
    assert first.own + second.own + third.own == IMAGES
    assert second.there >= second.own, "what the killed process had stored is lost"
    assert second.extracted > 0, "the process was killed too late: nothing was left to do"
    assert first.extracted + third.extracted + second.extracted + second.there == ROWS
    assert extracted(*words, "shard=1/2").extracted == 0
    assert extracted(*words) == Said(IMAGES, 0, ROWS)
    folder, log = trained(*words)
    (alone,) = map(str, Path("alone/surface_defect").iterdir())
    assert images_extracted(folder) == 0 and "go through the backbone" not in log
    assert images_extracted(alone) == ROWS
    for name in ("matrix.csv", "predictions.csv", "splits.csv"):
        assert read(folder, name) == read(alone, name)


def test_pruning_merges_the_files_of_shares_and_loses_nothing(shared, monkeypatch, tmp_path):
    here, _ = shared
    monkeypatch.chdir(tmp_path)
    shutil.copytree(here / "store", "store")
    words = (*VARIED, "paths.features=store")
    extracted(*words)
    assert len(list(Path("store").glob("*/*.safetensors"))) > 4
    assert call("features", "prune", "paths.features=store").code == 0
    assert len(list(Path("store").glob("*/*.safetensors"))) == 1
    assert extracted(*words) == Said(IMAGES, 0, ROWS)
    assert call("features", "verify", "paths.features=store").code == 0


def test_a_run_on_an_unseen_product_scored_on_validation_images_extracts_nothing(empty):
    words = (*VARIED[:2], "features.variations=2", "paths.features=store", "task=cross_product",
             "method=linear_probe", "method.epochs=1", "splits.scored=validation",
             "seed=1")  # fmt: skip
    assert all(extracted(*words, f"shard={number}/2").extracted > 0 for number in (1, 2))
    folder, _ = trained(*words)
    assert images_extracted(folder) == 0


def test_of_variations_that_are_drawn_anew_the_images_as_they_are_are_stored(empty):
    root = products(empty / "data", "nut")
    words = ("dataset=folder", f"data.root={root}", *QUICK, "features.variations=0")
    result = call("features", "extract", *words, "paths.features=store")
    assert "features.variations=0" in result.out
    assert said(result.out) == Said(16, 16, 0)


def test_a_run_that_goes_on_from_another_extracts_nothing_either(empty):
    folder, _ = trained(
        "dataset=folder", f"data.root={products(empty / 'old', 'nut')}", *QUICK, "method.epochs=2",
        "features.variations=2", "paths.features=store",
    )  # fmt: skip
    new = (
        f"from={folder}", "dataset=folder", f"data.root={products(empty / 'new', 'bolt')}",
        "trainer.device=cpu", "trainer.workers=0", "trainer.batch_size=8", "paths.features=store",
    )  # fmt: skip
    assert extracted(*new).extracted > 0
    longer, _ = trained(*new)
    first, second = json.loads(read(longer, "run.json"))["steps"]
    assert first["images_extracted"] > 0 and second["images_extracted"] == 0


def test_copies_are_extracted_once(empty):
    root = products(empty / "data", "nut")
    shutil.copy(root / "nut/good/0.png", root / "nut/good/copy.png")
    words = ("dataset=folder", f"data.root={root}", *QUICK, "paths.features=store")
    done = [extracted(*words, f"shard={number}/2") for number in (1, 2)]
    assert sum(share.own for share in done) == sum(share.extracted for share in done) == 16


def test_an_unreadable_image_is_refused_or_left_out_as_in_a_run(empty):
    root = products(empty / "data", "nut")
    (root / "nut/good/0.png").write_bytes(b"no image")
    words = ("dataset=folder", f"data.root={root}", *QUICK, "paths.features=store")
    refused = call("features", "extract", *words, "shard=1/2")
    assert refused.code == 2 and "0.png" in refused.err and "on_bad_image=skip" in refused.err
    skipping = (*words, "data.on_bad_image=skip", "data.bad_image_limit=0.5")
    out = call("features", "extract", *skipping).out
    assert "skipped nut/good/0.png: " in out and said(out).own == 15
    folder, _ = trained(*skipping)
    assert images_extracted(folder) == 0


def test_a_share_may_be_empty(empty):
    root = products(empty / "data", "nut")
    words = ("dataset=folder", f"data.root={root}", *QUICK, "paths.features=store")
    assert Said(0, 0, 0) in [extracted(*words, f"shard={number}/1000") for number in (1, 2)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method=finetune"], "method=finetune trains the backbone itself"),
        (["features.store=false"], "features.store=false keeps no features"),
        (["shard=0/2"], "counted from 1"),
        (["shards=2"], "give shard=1/2"),
        (["shrad=1/2"], "did you mean 'shard'"),
        (["fusion=conv1"], "did you mean 'conv1x1'"),
    ],
)
def test_what_cannot_be_extracted_is_refused(words, message, empty):
    assert message in refusal("features", "extract", *words)
    assert not list(empty.iterdir())
