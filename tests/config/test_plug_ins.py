"""What is found outside of the package, without importing it."""

import sys
from importlib import metadata

import pytest
from command_calls import call, imported, refusal
from outside_packages import write_files, write_package

from mlff_cli.config.plug_ins import beside, folders, found, plug_in
from mlff_cli.config.shipped import choices, is_shipped, key_values, left_out, shipped
from mlff_cli.errors import UserError

YAML = "# {about}.\nname: {name}\n# How much.\namount: 0.5  # above 0, below 1\n"
BOOM = "raise SystemError('imported')"


def yaml_of(name, about="Strange"):
    return YAML.format(name=name, about=about)


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """Puts a package `strange` on Python's path, of which nothing may be imported."""

    def make(points, files, folder="site", version="0.1"):
        files = {"strange_code/__init__.py": BOOM, **files}
        path = write_package(tmp_path / folder, points, files, version)
        monkeypatch.syspath_prepend(path)
        return path

    return make


@pytest.fixture
def method(strange):
    return strange(
        {"methods": "odd = strange_code.odd:Odd"},
        {"strange_code/configs/method/odd.yaml": yaml_of("odd")},
    )


def test_a_package_is_found_by_its_entry_points_and_not_imported(method):
    (own,) = found("method")
    assert (own.name, own.needs) == ("odd", "strange==0.1")
    assert own.yaml == method / "strange_code/configs/method/odd.yaml"
    assert plug_in("method", "odd") == own
    assert plug_in("head", "odd") is plug_in("method", "od") is plug_in("nothing", "odd") is None
    assert not any(name.startswith("strange_code") for name in sys.modules)


def test_its_yaml_counts_as_those_that_are_shipped(method):
    assert choices("method")["odd"] == "Strange. (of the package strange 0.1)"
    assert shipped("method/odd") == {"name": "odd", "amount": 0.5}
    assert key_values("method/odd")["amount"].below
    assert not is_shipped("method", "odd") and is_shipped("method", "mlff")
    assert "method.amount=0.5" in call("list", "method").out
    assert "mlff_linear | odd" in call("train", "--help").out
    assert call("completion", "--complete", "mlff train method=od").out == "odd \n"
    line = "mlff train method=odd method.am"
    assert call("completion", "--complete", line).out == "method.amount=\n"
    shown = call("train", "method=odd", "--cfg", "job", "--package", "method")
    assert "name: odd\n" in shown.out and "amount: 0.5" in shown.out


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("method.amuont=0.1", "there is no key or group 'method.amuont'; did you mean"),
        ("method.amount=2", "method.amount: expected a number between 0 and 1"),
        ("method.amount=much", "method.amount: expected a number, found 'much'"),
        ("method=old", "method: there is no 'old'; did you mean 'odd'?"),
        ("odd", "cannot read 'odd'; did you mean method=odd?"),
    ],
)
def test_mistakes_are_told_as_for_shipped_ones(method, word, said):
    assert said in refusal("train", "method=odd", word)


def test_parents_may_be_shipped(strange):
    files = {
        "strange_code/configs/method/odd.yaml": "# Odd.\ndefaults:\n  - mlff\n\nname: odd\n",
        "strange_code/configs/task/odd_task.yaml": "# @package _global_\n# An odd task.\n"
        "defaults:\n  - override /method: odd\n\ntask:\n  name: odd_task\n  title: Odd\n",
    }
    strange({"methods": "odd = strange_code:Odd"}, files)
    assert {**shipped("method/mlff"), "name": "odd"} == shipped("method/odd")
    assert choices("task")["odd_task"] == "An odd task."
    out = call("train", "task=odd_task", "--cfg", "job").out
    assert "name: odd\n" in out and "epochs: 20" in out


def test_help_and_other_runs_import_nothing_of_it(method, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(method), prepend=":")
    for words in (["--help"], ["list", "method"], ["train", "--help"], ["train", "--cfg", "job"]):
        result, modules = imported(*words, folder=tmp_path)
        assert result.code == 0 and "strange_code" not in modules
        assert ("odd" in result.out) is (words[0] == "list" or words == ["train", "--help"])


@pytest.mark.parametrize(
    ("yaml", "problem"),
    [
        (None, "there is no configs/method/odd.yaml in it"),
        ("name: [", "odd.yaml"),
        ("# Odd.\nname: even\n", "expected name: odd, found 'even'"),
        ("# Odd.\nname: odd\namount: 1  # some or more\n", "no rule for values"),
        ("# Odd.\ndefaults:\n  - nothing_there\n\nname: odd\n", "nothing_there"),
        ("# Odd.\n- odd\n", "odd.yaml"),
        ("\udcff", "odd.yaml"),
    ],
)
def test_a_wrong_yaml_harms_no_other_and_is_told_where_it_is_chosen(strange, yaml, problem):
    place = strange({"methods": "odd = strange_code:Odd"}, {"strange_code/configs/x.yaml": ""})
    if yaml is not None:
        file = place / "strange_code/configs/method/odd.yaml"
        file.parent.mkdir()
        file.write_bytes(yaml.encode(errors="surrogateescape"))
    assert "odd" not in choices("method")
    assert "odd of the package strange 0.1" in left_out("method")
    assert "left out: odd of the package strange 0.1" in call("list", "method").out
    assert call("train", "method=joint", "--cfg", "job").code == 0
    assert call("train", "task=surface_defect", "method.dropuot=1").err.count("\n") == 1
    assert problem in refusal("train", "method=odd")


def test_a_package_that_is_half_gone_harms_nothing(tmp_path, monkeypatch):
    write_package(tmp_path, {"methods": "odd = gone.method:Odd\n9!x = gone:Odd"}, {})
    monkeypatch.syspath_prepend(tmp_path)
    (own,) = found("method")
    assert own.configs is None and own.yaml is None
    assert call("train", "--cfg", "job").code == 0
    said = refusal("train", "method=odd")
    assert said == (
        "method=odd is of the package strange 0.1: there is no configs/method/odd.yaml in it"
    )


def test_a_shipped_name_wins(strange):
    place = {"strange_code/configs/method/joint.yaml": yaml_of("joint", "Not the shipped one")}
    strange({"methods": "joint = strange_code:Odd"}, place)
    assert "All experiences at once" in choices("method")["joint"]
    out = call("train", "method=joint", "--cfg", "job", "--package", "method").out
    assert "epochs: 20" in out and "amount" not in out
    assert left_out("method") == {
        "joint of the package strange 0.1": "a shipped choice has that name"
    }


def test_two_of_one_name_are_refused_where_it_is_chosen(strange, method, tmp_path):
    own = write_files(tmp_path / "own", {"method/odd.yaml": yaml_of("odd"), "method/odd.py": BOOM})
    with beside([own]), pytest.raises(UserError, match="method=odd is in the package strange"):
        plug_in("method", "odd")
    said = refusal("train", "method=odd", f"--config-dir={own}")
    assert "uninstall one of them, or rename the file of your own" in said
    assert call("train", "--cfg", "job", f"--config-dir={own}").code == 0


def test_a_file_counts_in_a_folder_that_the_command_line_gives_and_nowhere_else(tmp_path):
    files = {
        "method/own.yaml": yaml_of("own"),
        "method/own.py": BOOM,
        "method/without_yaml.py": BOOM,
        "method/variation.yaml": "# Longer.\ndefaults:\n  - mlff\n\nepochs: 40\n",
        "metric/odd_metric.py": BOOM,
        "schedule/own.yaml": yaml_of("own"),
        "schedule/own.py": BOOM,
    }
    own = write_files(tmp_path / "own", files)
    assert found("method") == found("metric") == []
    with beside([own]):
        assert [one.name for one in found("method")] == ["own"]
        assert [one.name for one in found("metric")] == ["odd_metric"]
        assert found("schedule") == [] and folders()[-1] == own
        assert found("method")[0].needs.startswith("method/own.py sha256:")
    assert folders() == []
    there = f"--config-dir={own}"
    assert "own\n  Strange." in call("list", "method", there).out
    assert "mlff_linear | own" in call("train", "--help", there).out
    assert "own" not in call("list", "method").out.splitlines()
    line = f"mlff train {there} method=ow"
    assert call("completion", "--complete", line).out == "own \n"
    assert "there is no 'own'" in refusal("train", "method=own")
    assert "epochs: 40" in call("train", "method=variation", "--cfg", "job", there).out


def test_a_file_of_a_shipped_name_is_left_out(tmp_path):
    own = write_files(tmp_path, {"head/regressor.yaml": yaml_of("x"), "head/regressor.py": BOOM})
    with beside([own]):
        assert "regressor of" in next(iter(left_out("head")))
    out = call("train", "head=regressor", "--cfg", "job", f"--config-dir={own}").out
    assert "mean_absolute_error" in out


def test_a_yaml_that_is_changed_meanwhile_is_read_again(tmp_path):
    own = write_files(tmp_path, {"method/own.yaml": yaml_of("own"), "method/own.py": ""})
    with beside([own]):
        assert shipped("method/own")["amount"] == 0.5
        (own / "method/own.yaml").write_text(yaml_of("own").replace("0.5", "0.25"))
        assert shipped("method/own")["amount"] == 0.25


def test_where_no_package_names_a_part_entry_points_are_not_read(tmp_path, monkeypatch):
    def refuse(**_):
        raise AssertionError("read")

    monkeypatch.setattr(metadata, "entry_points", refuse)
    other = tmp_path / "other-1.dist-info"
    other.mkdir()
    (other / "entry_points.txt").write_text("[console_scripts]\nother = other:main\n")
    (tmp_path / "archive.zip").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "archive.zip"), "nowhere"])
    assert found("method") == []
    write_package(tmp_path, {"methods": "odd = strange:Odd"}, {})
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(AssertionError, match="read"):
        found("method")
