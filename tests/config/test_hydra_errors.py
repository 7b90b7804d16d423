"""Hydra's errors as messages; most of them are tested where they are met, on the command line."""

import pytest
from hydra.errors import ConfigCompositionException, MissingConfigException

from mlff_cli.config.hydra_errors import translated
from mlff_cli.errors import UserError


@pytest.mark.parametrize("error", [UserError("x"), PermissionError(13, "no")])
def test_what_is_none_of_hydras_stays_as_it_is(error):
    assert translated(error, [], "train") is error


def test_a_missing_choice_is_answered_with_the_nearest_of_those_that_are_offered():
    error = MissingConfigException("Could not find 'fusion/narow'", "fusion/narow", None)
    error.options = ["narrow", "_shared"]
    assert str(translated(error, [], "train")) == (
        "fusion: there is no 'narow'; did you mean 'narrow'?"
    )


@pytest.mark.parametrize(
    ("words", "key", "said"),
    [
        ([], "method.epoch", "did you mean 'method.epochs'?"),
        ([], "fusoin", "did you mean 'fusion'?"),
        (["task=component_offsets"], "data.labeling", "did you mean 'data.labelling'?"),
        (["task=custom"], "data.rot", "did you mean 'data.root'?"),
        (["method=finetune"], "method.distillation", "it belongs to method=mlff"),
        ([], "hydra.rum", "Hydra has no key 'hydra.rum'"),
    ],
)
def test_a_missing_key_is_answered_with_the_nearest_that_the_choices_have(words, key, said):
    error = ConfigCompositionException(f"Could not override '{key}'.\nMore is said here.")
    assert said in str(translated(error, words, "train"))


def test_of_anything_else_the_first_line_is_said():
    assert str(translated(ValueError("odd\nmore"), [], "train")) == "odd"
    assert str(translated(ValueError(), [], "train")) == "ValueError()"
