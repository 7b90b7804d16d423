"""Words of the command line before Hydra reads them."""

import re
import sys

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.config.overrides import (
    combinations,
    command_line,
    quoted,
    readable,
    text_value,
)
from mlff_cli.errors import UserError


def value_of(word, *, several=False):
    return OverridesParser.create().parse_override(quoted(word, several=several)).value()


@pytest.mark.parametrize(
    "path",
    ["/a b/c", "/a=1/b", "/a,b/c", "a(1)", "/(a)/b", "/ü/ß", "/it's/a", '/a"b', "/a[1]", "{x}/y",
     "C:\\x\\y", "a;b", "a#b", "50%", "a&b!", "[", "/a/b,(c)=d 'e'", "\\'\\"],
)  # fmt: skip
def test_a_path_is_taken_as_it_was_written(path):
    assert value_of(f"data.root={path}") == path


@given(st.text(min_size=1).filter(lambda text: "${" not in text and "\n" not in text))
def test_any_text_survives_its_quotes(text):
    assert OverridesParser.create().parse_override(f"key={text_value(text)}").value() == text


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("a=3", 3),
        ("a=0.5", 0.5),
        ("a=null", None),
        ("a=true", True),
        ("a=[x,1]", ["x", 1]),
        ("a=", ""),
    ],
)
def test_what_hydra_reads_is_left_alone(word, value):
    assert quoted(word, several=False) == word
    assert value_of(word) == value


def test_commas_part_values_only_where_several_are_meant():
    assert quoted("seed=0,1", several=False) == "seed=0,1"
    assert quoted("data.root=/a,/b", several=True) == "data.root=/a,/b"
    assert quoted("data.root=/a,/b", several=False) == 'data.root="/a,/b"'
    assert quoted("seed=range(0,3)", several=False) == "seed=range(0,3)"


def test_words_are_made_readable_or_refused():
    assert readable(["seed=1", "paths.runs=/a b/(c)"], several=False) == [
        "seed=1",
        'paths.runs="/a b/(c)"',
    ]
    for word, said in {
        "surface_defect": "did you mean task=surface_defect?",
        "=3": "cannot read '=3'",
        "dataset=_files": "no '_files'",
        "task=null": "task= needs a choice",
    }.items():
        with pytest.raises(UserError, match=re.escape(said)):
            readable([word], several=True)


def test_every_combination_once_and_the_last_override_of_a_key_counts():
    words = ["task=a,b", "seed=0,1,2", "method=mlff", "seed=3,4", "order=[x,y]"]
    assert combinations(words) == [
        ["task=a", "seed=3", "method=mlff", "order=[x,y]"],
        ["task=a", "seed=4", "method=mlff", "order=[x,y]"],
        ["task=b", "seed=3", "method=mlff", "order=[x,y]"],
        ["task=b", "seed=4", "method=mlff", "order=[x,y]"],
    ]


def test_values_of_a_sweep_can_be_counted():
    assert combinations(["seed=range(0,3)"]) == [["seed=0"], ["seed=1"], ["seed=2"]]
    assert combinations(["order=[p,q],[q,p]"]) == [["order=[p,q]"], ["order=[q,p]"]]
    assert combinations([]) == [[]]


@pytest.mark.parametrize("value", ["glob(*)", "interval(0,1)"])
def test_values_that_cannot_be_counted_are_refused(value):
    with pytest.raises(UserError, match=r"seed: give its values one by one"):
        combinations([f"seed={value}"])


def test_the_command_line_can_be_pasted_into_a_shell(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/x/mlff", "sweep", "paths.runs=a b", "seed=0,1"])
    assert command_line() == "mlff sweep 'paths.runs=a b' seed=0,1"
