"""Keys, values and words of the command that cannot be used."""

from pathlib import Path

import pytest
from refusals import FOLDER, refused, run_of


def other_config(place: Path) -> None:
    (place / "harm me").touch()
    file = place / "runs" / run_of(place) / "config.yaml"
    file.write_text(file.read_text().replace("seed: 0", "seed: 7"))
    (file.parent / "DONE").unlink()


CONFIGS = {
    "unknown key": (("method.epohcs=3",), ("'method.epohcs'", "method.epochs")),
    "unknown group": (("optimiser=adam",), ("'optimiser'",)),
    "unknown choice": (("method=mlf",), ("'mlf'", "mlff")),
    "unknown experiment": (("experiment=nothing",), ("nothing",)),
    "text for a number": (("method.epochs=many",), ("method.epochs", "whole number", "'many'")),
    "fraction for a whole number": (("method.epochs=1.5",), ("method.epochs", "whole number")),
    "number for a list": (("backbone.levels=3",), ("backbone.levels", "list")),
    "text for true or false": (("features.store=perhaps",), ("features.store", "true or false")),
    "value for a section": (("method.epochs.x=1",), ("method.epochs",)),
    "no epochs": (("method.epochs=0",), ("method.epochs", "at least 1")),
    "negative epochs": (("method.epochs=-1",), ("method.epochs", "at least 1")),
    "batch of none": (("method.batch_size=0",), ("method.batch_size", "at least")),
    "negative batch": (("trainer.batch_size=-4",), ("trainer.batch_size", "at least")),
    "image size of none": (("data.image_size=0",), ("data.image_size", "at least")),
    "negative image size": (("data.image_size=-32",), ("data.image_size", "at least")),
    "fusion of no width": (("fusion.width=0",), ("fusion.width", "at least")),
    "learning rate of none": (("method.learning_rate=0",), ("method.learning_rate", "between")),
    "learning rate NaN": (("method.learning_rate=nan",), ("method.learning_rate", "a number")),
    "dropout of all": (("method.dropout=1.5",), ("method.dropout", "between")),
    "seed that is no number": (("seed=lucky",), ("seed", "'lucky'")),
    "negative seed": (("seed=-1",), ("seed", "at least 0")),
    "all in test": (("splits.test=1.0",), ("splits.test", "between")),
    "shares above all": (
        ("splits.test=0.6", "splits.validation=0.6"), ("splits.test=0.6", "splits.validation=0.6")),
    "unknown split": (("splits.scored=training",), ("splits.scored", "test, validation")),
    "unknown device": (("trainer.device=tpu",), ("trainer.device", "cpu, cuda")),
    "unknown precision": (("trainer.precision=fp8",), ("trainer.precision", "bf16")),
    "unknown level": (
        ("backbone.levels=[blocks.0,attic]", "features.store=false"), ("'attic'", "blocks.")),
    "regressor on labels": (("head=regressor",), ("head=regressor", "head=classifier")),
    "unknown variation": (
        ("method=finetune", "method.variations=[twirls]"), ("'twirls'", "true or false")),
    "unknown order": (("order=[bolt,screw]",), ("order", "'screw'")),
    "order without all": (("order=[bolt]",), ("order", "nut")),
    "order with one twice": (("order=[bolt,bolt,nut]",), ("order", "twice")),
    "unknown unseen": (
        ("schedule=unseen_product", "schedule.unseen=[screw]"), ("schedule.unseen", "'screw'")),
    "nothing to train on": (
        ("schedule=unseen_product", "schedule.unseen=[bolt,nut]"), ("nothing is left",)),
    "several values at once": (("seed=0,1",), ("seed", "sweep")),
    "an open bracket": (("order=[bolt",), ("order", "'[bolt'", "[a,b]")),
    "no value": (("data",), ("data",)),
    "a reference to nothing": (("seed=${nothing}",), ("seed", "nothing", "cannot be filled in")),
    "a reference in a circle": (("seed=${seed}",), ("seed", "cannot be filled in")),
    "a run folder that is a file": (("paths.runs=images/list.csv",), ("list.csv", "paths.runs")),
    "a feature folder that is a file": (
        ("paths.features=images/list.csv", "seed=1"), ("list.csv",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_a_bad_config_is_refused(place, mlff, name):
    words, expected = CONFIGS[name]
    refused(mlff, f"config: {name}", (*FOLDER, *words), *expected)


def test_a_device_that_is_not_there(place, mlff, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    words = (*FOLDER, "trainer.device=cuda", "seed=1")
    refused(mlff, "device that is not there", words, "'cuda' is not there", "cpu")


def test_a_run_folder_of_another_config(place, mlff):
    other_config(place)
    refused(mlff, "run folder of another config", FOLDER, "config.yaml", "another config")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("trian",), "did you mean 'train'?"),
        (("evaluate",), "run=..."),
        (("evaluate", "runs/custom"), "is no run folder"),
        (("evaluate", "nowhere"), "is no run folder"),
        (("verify", "images"), "is no run folder"),
        (("verify", "one", "two"), "one run folder"),
        (("report", "nowhere"), "no such folder"),
        (("report", "images"), "no finished run"),
        (("list", "weather"), "'weather'"),
        (("list", "head", "method"), "one group"),
    ],
)
def test_bad_words(place, mlff, words, expected):
    refused(mlff, " ".join(words), words, expected)
