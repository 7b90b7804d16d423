"""The code of plug-ins: imported when it is asked for, refused with the reason."""

import sys
from dataclasses import is_dataclass

import pytest
from outside_packages import write_files, write_package

from mlff_cli.config.plug_in_code import class_in, object_in
from mlff_cli.config.plug_ins import beside, plug_in
from mlff_cli.data.base import Dataset
from mlff_cli.errors import UserError
from mlff_cli.metrics.metric import Metric

GOOD = """
from dataclasses import dataclass
from mlff_cli.data.base import Dataset
from mlff_cli.data.folder import Folder

@dataclass(kw_only=True)
class Own(Dataset):
    amount: float

    def records(self):
        return []
"""


@pytest.fixture
def of_file(tmp_path):
    """Gives the plug-in `dataset=own` that a file with this content is."""

    def make(content):
        own = write_files(tmp_path, {"dataset/own.py": content, "dataset/own.yaml": "name: own"})
        with beside([own]):
            return plug_in("dataset", "own")

    return make


def test_a_file_gives_the_class_that_it_defines_itself(of_file, tmp_path):
    found = class_in(of_file(GOOD), Dataset, ["amount"])
    assert found.__name__ == "Own" and is_dataclass(found) and found(amount=1).records() == []
    assert sys.modules[found.__module__].Own is found, "pickle and dataclasses look for it there"
    assert not list(tmp_path.rglob("*.pyc"))


def test_what_runs_is_what_was_there_when_the_command_began(of_file, tmp_path):
    own = of_file(GOOD)
    (tmp_path / "dataset/own.py").write_text("raise SystemError")
    assert class_in(own, Dataset).__name__ == "Own"
    assert own.needs != of_file("raise SystemError").needs


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("import nothing_there_at_all", r"cannot be imported \(ModuleNotFoundError: No module"),
        ("1 / 0", r"cannot be imported \(ZeroDivisionError: division by zero\)"),
        ("def (", r"cannot be imported \(SyntaxError"),
        ("x = 1", "it defines no Dataset"),
        ("from mlff_cli.data.folder import Folder", "it defines no Dataset"),
        (GOOD.replace("def records", "def record"), "Own lacks records"),
        (GOOD.replace("amount", "share"), "its YAML has the key 'amount', which Own does not take"),
    ],
)
def test_broken_code_is_told_with_its_origin(of_file, content, reason):
    own = of_file(content)
    with pytest.raises(UserError, match=reason) as caught:
        class_in(own, Dataset, ["amount"])
    assert str(caught.value).startswith(f"dataset=own is of {own.origin}: ")
    assert "or choose another dataset" in str(caught.value)
    if "defines" not in reason and "takes" not in reason and "cannot" in reason:
        assert "mlff_file_dataset_own" not in sys.modules


def test_a_class_may_take_any_keys(of_file):
    any_keys = "    def __init__(self, **keys): pass\n"
    content = "from mlff_cli.data.base import Dataset\nclass Own(Dataset):\n" + any_keys
    found = class_in(of_file(content + "    def records(self): return []\n"), Dataset, ["amount"])
    assert found(amount=1).records() == []


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ("odd = strange_metrics:METRIC", None),
        ("odd = strange_metrics:NUMBER", "it holds no Metric"),
        ("odd = strange_metrics:MISSING", "cannot be imported .AttributeError"),
        ("odd = strange_nothing:METRIC", "cannot be imported .ModuleNotFoundError"),
    ],
)
def test_an_entry_point_gives_its_object(tmp_path, monkeypatch, point, reason):
    code = "from mlff_cli.metrics.accuracy import METRIC\nNUMBER = 1\n"
    write_package(tmp_path, {"metrics": point}, {"strange_metrics.py": code})
    monkeypatch.syspath_prepend(tmp_path)
    own = plug_in("metric", "odd")
    if reason is None:
        assert object_in(own, "METRIC", Metric).name == "accuracy"
        return
    with pytest.raises(UserError, match=rf"metric=odd is of the package strange 0\.1: .*{reason}"):
        object_in(own, "METRIC", Metric)
