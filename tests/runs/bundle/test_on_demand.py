"""Values that are loaded when they are asked for."""

import pytest

from mlff_cli.runs.bundle.on_demand import OnDemand


def test_only_what_is_asked_for_is_loaded_and_the_last_ones_stay():
    loaded = []
    values = OnDemand(["b", "a", "c"], lambda name: loaded.append(name) or name.upper(), kept=2)
    assert list(values) == ["b", "a", "c"] and len(values) == 3
    assert "a" in values and "d" not in values and values.get("d") is None
    with pytest.raises(KeyError):
        values["d"]
    assert loaded == []
    assert [values[name] for name in ("a", "a", "b", "a", "c", "b")] == list("AABACB")
    assert loaded == ["a", "b", "c", "b"]
