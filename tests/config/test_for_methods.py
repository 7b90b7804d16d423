"""Keys that a task sets for methods count for those that have them."""

import pytest

from mlff_cli.config.composition import compose_config
from mlff_cli.config.for_methods import for_this_method
from mlff_cli.errors import UserError

OFFSETS = ("task=component_offsets", "method=closed_form")


def test_a_key_that_only_other_methods_have_is_left_out():
    assert compose_config("train", OFFSETS)["method"] == {"name": "closed_form"}
    assert compose_config("train", OFFSETS[:1])["method"]["dropout"] == 0.5


def test_a_word_that_asks_for_it_is_refused():
    with pytest.raises(UserError, match=r"no key 'method\.dropout'; it belongs to method="):
        compose_config("train", [*OFFSETS, "method.dropout=0.5"])
    with pytest.raises(UserError, match=r"no key 'method\.epochs'"):
        compose_config("train", ["method=closed_form", "+method.epochs=5"])


def test_a_key_that_no_method_has_stays_to_be_refused():
    config = {"method": {"name": "closed_form", "dropuot": 0.5, "epochs": 3}, "seed": 0}
    kept = {"method": {"name": "closed_form", "dropuot": 0.5}, "seed": 0}
    assert for_this_method(config, ()) == kept
    assert for_this_method({"method": "mlff"}, ()) == {"method": "mlff"}
    assert for_this_method({"run": "x"}, ()) == {"run": "x"}
