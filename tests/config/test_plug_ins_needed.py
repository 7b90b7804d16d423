"""Which plug-ins a config needs, and what is said where they are not here as they were."""

import sys

import pytest
from configs_for_tests import small_config
from outside_packages import write_files, write_package

from mlff_cli.config.identity import relevant
from mlff_cli.config.plug_ins import beside
from mlff_cli.config.plug_ins_needed import (
    PlugInMissingError,
    problem_of,
    refuse_other_plug_ins,
    with_plug_ins,
)
from mlff_cli.config.schema import check
from mlff_cli.errors import UserError
from mlff_cli.runs.identity import config_digest

YAML = "# Odd.\nname: odd\namount: 0.5\n"


@pytest.fixture
def config(tmp_path):
    made = small_config(tmp_path)
    made["method"] = {"name": "odd", "amount": 0.5}
    return made


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a version of the package, in place of another one."""

    def make(version):
        site = tmp_path / version
        files = {"odd_code/configs/method/odd.yaml": YAML, "odd_code/__init__.py": ""}
        write_package(site, {"methods": "odd = odd_code:Odd"}, files, version)
        monkeypatch.setattr(sys, "path", [str(site), *before])

    before = list(sys.path)
    return make


def test_a_config_of_shipped_parts_needs_none(tmp_path):
    config = small_config(tmp_path)
    assert with_plug_ins(config, {"method": "mlff", "task": "custom"}) == config
    refuse_other_plug_ins(config)


def test_package_and_version_are_part_of_the_identity(config, installed):
    digests = []
    for version in ("0.1", "0.2", "0.1"):
        installed(version)
        whole = with_plug_ins(config, {})
        assert whole["plug_ins"] == {"method/odd": f"strange=={version}"}
        assert relevant(whole)["plug_ins"] == whole["plug_ins"]
        check(whole, "train")
        digests.append(config_digest(whole))
    assert digests[0] == digests[2] != digests[1]


def test_another_version_or_none_is_refused_with_what_to_install(config, installed):
    installed("0.1")
    whole = with_plug_ins(config, {})
    installed("0.2")
    with pytest.raises(PlugInMissingError) as caught:
        check(whole, "train")
    assert str(caught.value) == (
        "method=odd needs strange==0.1, and strange==0.2 is installed: pip install strange==0.1"
    )
    assert with_plug_ins(whole, {})["plug_ins"] == {"method/odd": "strange==0.2"}
    whole["plug_ins"]["method/even"] = "other==3"
    installed("0.1")
    with pytest.raises(PlugInMissingError, match="method=even needs other==3, and it is not"):
        refuse_other_plug_ins(whole)
    refuse_other_plug_ins(whole, ["metric"])


def test_a_config_that_does_not_say_which_is_refused(config, installed):
    installed("0.1")
    with pytest.raises(UserError, match="'method/odd' is missing there"):
        check(config, "train")
    with pytest.raises(UserError, match="plug_ins: expected keys and values, found 'strange'"):
        check({**config, "plug_ins": "strange"}, "train")


def test_files_are_told_by_what_is_in_them(config, tmp_path):
    own = write_files(tmp_path / "own", {"method/odd.py": "x = 1", "method/odd.yaml": YAML})
    with beside([own]):
        whole = with_plug_ins(config, {})
        check(whole, "train")
    assert whole["plug_ins"]["method/odd"].startswith("method/odd.py sha256:")
    with pytest.raises(PlugInMissingError, match="not at hand: give its folder with --config-dir"):
        check(whole, "train")
    (own / "method/odd.py").write_text("x = 2")
    with beside([own]), pytest.raises(PlugInMissingError, match="is not that file any more"):
        check(whole, "train")


def test_metrics_of_the_head_count(tmp_path):
    own = write_files(tmp_path / "own", {"metric/odd.py": "", "metric/accuracy.py": ""})
    config = small_config(tmp_path, keys={"head.metrics": ["accuracy", "odd", "nothing"]})
    with beside([own]):
        assert list(with_plug_ins(config, {})["plug_ins"]) == ["metric/odd"]


@pytest.mark.parametrize("wrong", [None, "odd", {"name": ["odd"]}, {}, {"name": None}])
def test_a_wrong_section_is_left_to_the_schema(config, installed, wrong):
    installed("0.1")
    assert "plug_ins" not in with_plug_ins({**config, "method": wrong}, {})
    with pytest.raises(UserError, match="method"):
        check({**config, "method": wrong}, "train")


def test_a_wrong_yaml_is_told_of_the_choice(installed, tmp_path):
    installed("0.1")
    assert problem_of({"method": "odd", "experiment": None}) == ""
    (tmp_path / "0.1/odd_code/configs/method/odd.yaml").write_text("name: mlff\n")
    said = problem_of({"method": "odd"})
    assert said.startswith("method=odd is of the package strange 0.1: ")
    assert said.endswith("expected name: odd, found 'mlff'")
