"""Which run it is: what enters its hash, and what does not."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from configs_for_tests import changed, small_config
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.config.schema import flatten
from mlff_cli.data.files import FileImage
from mlff_cli.runs.identity import config_digest, data_digest, run_hash, run_path
from mlff_cli.system import accelerator
from mlff_cli.tasks.record import Record

FREE = {
    "from",  # the hash of what lies there counts instead
    "table", "trainer.workers", "trainer.checkpoint_every", "trainer.processes",
    "data.root", "data.file", "data.allow_outside_root", "data.on_bad_image",
    "data.bad_image_limit", "data.ignored_columns", "data.folder_splits", "data.bits",
    "paths.runs", "paths.features", "paths.graphs", "paths.data",
}  # fmt: skip
"""Keys that say where things lie and how a run goes, or whose effect is in the data."""

DATA = "d" * 64


@pytest.mark.parametrize("data", ["surfaces", "csv", "folder", "elpv", "magnetic_tile"])
@pytest.mark.parametrize("method", ["mlff", "finetune", "joint", "linear_probe"])
def test_every_key_that_may_change_a_number_is_in_the_hash(tmp_path, data, method):
    config = small_config(tmp_path, data=data, method=method)
    for key, _ in flatten(config):
        same = config_digest(changed(config, key)) == config_digest(config)
        free = key in FREE or (key == "backbone.engine" and method == "finetune")
        free = free or key == "data.modality_dropout"  # there is one image of each record
        assert same == free, key


def test_keys_of_several_images_count_only_where_there_are_several(tmp_path):
    config = small_config(tmp_path, data="csv")

    def digest(**keys):
        data = {k: v for k, v in config["data"].items() if not k.startswith("modalit")}
        return config_digest({**config, "data": {**data, **keys}})

    assert digest() == digest(modalities=[], modality_dropout=0.5) == config_digest(config)
    alone, two = {"modalities": ["thermal"]}, {"modalities": ["image", "thermal"]}
    assert digest(**alone) == digest(**alone, modality_dropout=0.5) != digest()
    assert digest(**two, modality_dropout=0.2) != digest(**two, modality_dropout=0.5)
    assert digest(**two, modality_dropout=0.2) != digest(**alone)


def test_the_hash_does_not_depend_on_the_order_of_keys(tmp_path):
    config = small_config(tmp_path)
    turned = {key: config[key] for key in reversed(config)}
    assert config_digest(turned) == config_digest(config)
    assert config_digest(yaml.safe_load(yaml.safe_dump(config))) == config_digest(config)


def test_auto_is_the_device_that_is_there(tmp_path, monkeypatch):
    auto, cpu = (
        small_config(tmp_path, keys={"trainer.device": device}) for device in ("auto", "cpu")
    )
    monkeypatch.setattr(accelerator, "default_device", lambda: "cpu")
    monkeypatch.setattr("mlff_cli.runs.identity.default_device", lambda: "cpu")
    assert config_digest(auto) == config_digest(cpu)
    monkeypatch.setattr("mlff_cli.runs.identity.default_device", lambda: "cuda")
    assert config_digest(auto) != config_digest(cpu)


def test_the_folder_is_named_by_task_method_and_hash(tmp_path, monkeypatch):
    config = small_config(tmp_path)
    path = run_path(config, DATA)
    assert path == tmp_path / "runs" / "small" / f"mlff-{run_hash(config, DATA)}"
    assert len(run_hash(config, DATA)) == 8
    assert run_path(config, "e" * 64) != path
    monkeypatch.setenv("HOME", str(tmp_path))
    config["paths"]["runs"] = "~/runs"
    assert run_path(config, DATA) == path


def records(count):
    return [Record(f"{i}.png", FileImage(Path(f"{i}.png")), (f"c{i % 3}",)) for i in range(count)]


CONTENTS = [f"{i:064x}" for i in range(9)]


@given(st.permutations(range(9)))
def test_data_are_the_same_in_any_order_and_anywhere(order):
    own = records(9)
    moved = [replace(own[i], image=FileImage(Path("/elsewhere") / own[i].name)) for i in order]
    assert data_digest(moved, [CONTENTS[i] for i in order]) == data_digest(own, CONTENTS)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other.png"}, {"labels": ("c9",)}, {"labels": ("c0", "c1")}, {"targets": (1.0,)},
        {"product": "p"}, {"batch": "b"}, {"group": "g"}, {"split": "test"},
    ],
)  # fmt: skip
def test_another_word_about_one_image_is_another_data_set(change):
    own = records(9)
    other = [replace(own[0], **change), *own[1:]]
    assert data_digest(other, CONTENTS) != data_digest(own, CONTENTS)


def test_another_content_and_another_image_are_other_data():
    digest = data_digest(records(8), CONTENTS[:8])
    assert data_digest(records(9), CONTENTS) != digest
    assert data_digest(records(8), [*CONTENTS[:7], "f" * 64]) != digest
    assert data_digest(records(8), [CONTENTS[1], CONTENTS[0], *CONTENTS[2:8]]) != digest
