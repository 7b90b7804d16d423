"""The studies of numbers and of many products: what they take from runs, and their tables."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_calls import call
from safetensors.numpy import save_file

from mlff_cli.config.composition import compose_config
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.reopen import reopen

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
SMALL = ("data.image_size=32", "data.images_per_class=4", "method.epochs=1")


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield import_module
    for name in ("engines_study", "many_products", "modalities", "numbers_study"):
        sys.modules.pop(name, None)


def test_tensors_belong_to_the_product_in_their_name_or_of_their_number(study, tmp_path):
    ten = np.zeros(10, np.uint8)
    names = ("adapters.fusion.norm.weight", "adapters.further.0.norm.weight", "adapters.heads.0.a",
             "adapters.heads.1.a")  # fmt: skip
    save_file(dict.fromkeys(names, ten), tmp_path / "adapters.safetensors")
    save_file({'["experience", "b", "axes"]': ten}, tmp_path / "calibration.safetensors")
    sizes = study("many_products").sizes_of(tmp_path, ["a", "b"])
    assert sizes == {"": 10, "a": 10, "b": 30}


def test_costs_of_the_first_products_are_those_of_a_run_that_had_no_others(study, tmp_path):
    many_products = study("many_products")
    rows = {}
    for count in (2, 3):
        words = ("task=many_products", *SMALL, f"data.products={count}")
        result = call("train", *words, f"paths.runs={tmp_path / str(count)}")
        assert result.code == 0, result.err
        (folder,) = (tmp_path / str(count)).glob("*/mlff-*")
        rows[count] = list(many_products.costs(RunFolder(folder), (1, 2)))
    timed = {"seconds learning", "seconds scoring", "learning mAP", "final mAP", "forgetting"}
    for few, many in zip(rows[2], rows[3], strict=True):
        same = [{k: v for k, v in row.items() if k not in timed} for row in (few, many)]
        assert same[0] == same[1]
    assert rows[3][1]["parameters"] == 2 * rows[3][0]["parameters"]


def test_the_error_of_a_number_stands_beside_its_interval_and_the_floor(study):
    numbers_study = study("numbers_study")
    rows = pd.DataFrame(
        [
            {"way": "a", "seed": seed, "learning": 0.1, "final": final, "forgetting": -0.02}
            for seed, final in enumerate((0.2, 0.3))
        ]
    )
    errors = pd.DataFrame(
        {"way": "a", "seed": [0, 0, 1, 1], "image": ["p", "q", "q", "r"],
         "error": [0.2, 0.2, 0.3, 0.3], "floor": [1.0, 1.0, 2.0, 2.0]}
    )  # fmt: skip
    *_, own, floor = numbers_study.table(rows, errors)
    assert own == "| a | 0.100 ± 0.000 | 0.250 ± 0.071 | 0.200 to 0.300 | -0.020 ± 0.000 |"
    assert floor == "| floor: the median | | 1.50 ± 0.71 | 1.00 to 2.00 | |"
    assert numbers_study.spread(pd.Series([0.1234])) == "0.123"


def test_engines_are_held_against_the_first_on_each_task_and_its_worst_experience(study):
    engines_study = study("engines_study")
    values = {"torch": (0.9, 0.8), "onnxruntime": (0.9005, 0.798), "openvino": (0.9, 0.8)}
    rows = [
        {"task": "t", "way": way, "engine": engine, "experience": name, "metric": "mAP", "value": v}
        for engine, both in values.items()
        for way, moved in ((engines_study.SAME, 0.0), (engines_study.ANEW, 0.01))
        for name, value in zip(("a", "b"), both, strict=True)
        for v in [value + (moved if engine == "openvino" else 0.0)]
    ]
    told = engines_study.line("t", pd.DataFrame(rows))
    apart = "-0.075 (0.200)"
    assert told == f"| t | 85.000 | {apart} | {apart} | +0.000 (0.000) | +1.000 (1.000) |"


def test_what_was_learned_with_one_engine_reads_the_features_of_another(study, tmp_path):
    engines_study = study("engines_study")
    words = ("task=surface_defect", *SMALL, "backbone.engine=torch")
    result = call("train", *words, f"paths.runs={tmp_path}")
    assert result.code == 0, result.err
    (folder,) = tmp_path.glob("*/mlff-*")
    config = compose_config("evaluate", [f"run={folder}"])
    run = reopen(folder, trainer=config["trainer"], paths=config["paths"])
    own, plain = (engines_study.read_by(run, engine) for engine in ("torch", "plain"))
    assert own.keys() == {"brushed_metal", "woven_fabric", "glazed_ceramic"}
    for name, values in own.items():
        assert values == pytest.approx(plain[name], abs=1e-3)
