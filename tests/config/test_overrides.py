"""Words of the command line before Hydra reads them."""

import re
import sys
from pathlib import Path

import numpy as np
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
    typed,
    words_of,
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


def given_value(value):
    """Return what Hydra reads of the word for a Python value."""
    (word,) = words_of({"data.root": value})
    return OverridesParser.create().parse_override(word).value()


@given(st.text())
def test_a_python_text_arrives_as_it_is(text):
    assert given_value(text) == text


@pytest.mark.parametrize("text", ["null", "NULL", "true", "3", "1e5", "nan", "a,b", "[a]", "a=b"])
def test_a_python_text_is_never_taken_for_something_else(text):
    assert given_value(text) == text and given_value([text, "x"]) == [text, "x"]


@pytest.mark.parametrize(
    "value", [None, True, False, 3, -7, 0.25, 1e-9, 2**62, [], [1, 2], ["a b", "c"], [[1], [2.5]]]
)
def test_a_python_value_arrives_as_it_is(value):
    found = given_value(value)
    assert found == value and type(found) is type(value)


def test_values_of_other_packages_and_paths_are_plain_values():
    assert given_value(np.int64(3)) == 3 and type(given_value(np.int64(3))) is int
    assert given_value(np.float32(0.5)) == 0.5
    assert given_value(Path("a b") / "c") == "a b/c"
    assert given_value((1, 2)) == [1, 2]


def test_sections_are_mappings_and_choices_stay_words():
    words = words_of({"task": "custom", "data": {"root": "x", "size": [1, 2]}, "seed": 1})
    assert words == ["task=custom", "data.root=x", "data.size=[1,2]", "seed=1"]


def test_a_value_of_no_key_is_refused():
    with pytest.raises(UserError, match=r"^data\.root: a set is no value of a key"):
        words_of({"data": {"root": {1}}})


def test_what_somebody_would_have_typed_counts_within():
    before = command_line()
    with typed(["train", "data.root=a b"]):
        assert command_line() == "mlff train 'data.root=a b'"
    assert command_line() == before
