"""Words of the command line before Hydra reads them."""

import sys

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.config.overrides import (
    command_line,
    is_showing,
    quoted,
    text_value,
    told_apart,
    variations,
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


def test_flags_and_words_are_told_apart():
    words = ["seed=1", "--config-dir", "my configs", "runs/x", "--cfg=job", "-m"]
    flags = ["--config-dir", "my configs", "--cfg=job", "-m"]
    assert told_apart(words) == (flags, ["seed=1", "runs/x"])
    assert is_showing(flags) and not is_showing(flags[:2])
    with pytest.raises(UserError, match=r"no flag '--seed'.* seed="):
        told_apart(["--seed=1"])


def test_variations_show_every_value_of_a_sweep_once():
    made = variations(["a=1,2,3", "b=x", "c=range(0,2)", "order=[p,q]"])
    assert made[0] == ["a=1", "b=x", "c=0", "order=[p,q]"]
    assert [words[0] for words in made[1:3]] == ["a=2", "a=3"]
    assert made[3:] == [["a=1", "b=x", "c=1", "order=[p,q]"]]


def test_the_command_line_can_be_pasted_into_a_shell(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["mlff sweep", "--multirun", 'paths.runs="a b"', "seed=0,1"])
    assert command_line() == "mlff sweep 'paths.runs=\"a b\"' seed=0,1"
