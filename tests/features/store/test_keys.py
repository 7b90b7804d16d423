import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import SPACE, everything, filled, keys_of

from mlff_cli.backbones.levels import LevelInfo, Preprocessing
from mlff_cli.errors import UserError
from mlff_cli.features.store.disk import FeatureSpace, FeatureStore, row_key
from mlff_cli.features.store.row_index import RowIndex
from mlff_cli.features.store.shards import Shard
from mlff_cli.features.store.spaces import FORMAT_VERSION

ALPHABET = 'ab0,["\\é\0'
CHANNELS = st.tuples(*[st.floats(0, 1)] * 3)
SPACES = st.builds(
    FeatureSpace,
    st.text(ALPHABET, max_size=8),
    st.builds(Preprocessing, st.integers(1, 999), CHANNELS, CHANNELS),
)
DTYPES = st.sampled_from(["float32", "float16"])
ROWS = st.tuples(st.text(ALPHABET, max_size=8), st.integers(0, 99), st.text(ALPHABET, max_size=4))


@given(ROWS, ROWS)
def test_rows_share_a_key_exactly_when_all_ingredients_agree(first, second):
    identity, variation, version = first
    effective = [(i, v, version if v else "") for i, v, version in (first, second)]
    assert (row_key(*first) == row_key(*second)) == (effective[0] == effective[1])
    assert row_key(identity, variation, version) != row_key(identity, variation + 1, version)
    assert row_key(identity, variation + 1, version) != row_key(
        identity, variation + 1, version + "x"
    )
    assert row_key(identity + "x", variation, version) != row_key(identity, variation, version)


@given(SPACES, SPACES, DTYPES, DTYPES)
def test_spaces_share_a_folder_exactly_when_all_ingredients_agree(first, second, dtype, other):
    assert (first.folder_name(dtype) == second.folder_name(other)) == (
        (first, dtype) == (second, other)
    )


@given(SPACES, DTYPES, st.integers(0, 2))
def test_any_one_ingredient_changes_the_folder(space, dtype, channel):
    scaling = space.preprocessing
    nudged = [list(scaling.mean), list(scaling.std)]
    for values in nudged:
        values[channel] = float(np.nextafter(values[channel], 2))
    changed = [
        replace(space, fingerprint=space.fingerprint + "0"),
        replace(space, preprocessing=replace(scaling, size=scaling.size + 1)),
        replace(space, preprocessing=replace(scaling, mean=tuple(nudged[0]))),
        replace(space, preprocessing=replace(scaling, std=tuple(nudged[1]))),
    ]
    names = {space.folder_name("float32"), space.folder_name("float16")}
    names |= {other.folder_name(dtype) for other in changed}
    assert len(names) == 6


@given(SPACES, DTYPES)
def test_words_for_people_do_not_change_the_folder(space, dtype):
    described = replace(space, description="other", levels=(LevelInfo("a", 1, 2),))
    assert described.folder_name(dtype) == space.folder_name(dtype)


def test_whole_numbers_are_the_same_mean_written_as_floats():
    whole = replace(SPACE, preprocessing=Preprocessing(224, (0, 0, 0), (1, 1, 1)))
    written = replace(SPACE, preprocessing=Preprocessing(224, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    assert whole.folder_name("float32") == written.folder_name("float32")


def test_a_variation_below_zero_is_refused():
    with pytest.raises(ValueError, match="from 0, not -1"):
        row_key("image", -1)


def test_another_format_version_has_other_folders(monkeypatch):
    before = SPACE.folder_name("float32")
    monkeypatch.setattr("mlff_cli.features.store.spaces.FORMAT_VERSION", 99)
    assert SPACE.folder_name("float32") != before


@pytest.mark.parametrize(("version", "age"), [(0, "older"), (99, "newer")])
def test_another_format_version_is_refused_with_the_command(tmp_path, monkeypatch, version, age):
    with monkeypatch.context() as patch:
        patch.setattr("mlff_cli.features.store.spaces.FORMAT_VERSION", version)
        path = filled(tmp_path, range(3)).path
    with pytest.raises(UserError) as caught:
        FeatureStore(tmp_path, SPACE)
    message = str(caught.value)
    assert str(path) in message
    assert f"{age} format version {version}" in message
    assert f"version {FORMAT_VERSION}" in message
    assert "'mlff features prune'" in message
    FeatureStore(tmp_path / "elsewhere", SPACE)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": "1"}', f'{{"format": {FORMAT_VERSION}}}', "\x00\xff"]
)
def test_a_damaged_description_is_said_and_written_again(tmp_path, caplog, content):
    path = filled(tmp_path, range(3)).path / "space.json"
    path.write_text(content)
    store = FeatureStore(tmp_path, SPACE)
    assert "space.json is damaged" in caplog.text
    assert store.missing(keys_of(range(3)), ["deep/max"]) == []
    store.insert(keys_of([4]), {"deep/max": everything(store.rows(keys_of([0]), ["deep/max"]))[0]})
    assert FeatureStore(tmp_path, replace(SPACE, levels=None)).levels == SPACE.levels


def test_a_changed_number_in_the_description_is_noticed(tmp_path, caplog):
    path = filled(tmp_path, range(3)).path / "space.json"
    content = json.loads(path.read_text())
    content["levels"][0]["channels"] += 1
    path.write_text(json.dumps(content))
    assert FeatureStore(tmp_path, replace(SPACE, levels=None)).levels is None
    assert "space.json is damaged" in caplog.text


def test_keys_that_agree_in_their_first_half_are_told_apart(tmp_path):
    keys = np.zeros((6, 16), np.uint8)
    keys[:, 15] = [3, 1, 2, 1, 0, 9]
    keys[4, 0] = 255
    shards = [Shard(tmp_path, 0, keys[:3], {}), Shard(tmp_path, 0, keys[3:], {})]
    wanted = np.zeros((5, 16), np.uint8)
    wanted[:, 15] = [1, 9, 7, 0, 3]
    wanted[3, 0] = 255
    shard, row = RowIndex(shards).find(wanted)
    assert shard.tolist() == [0, 1, -1, 1, 0]
    assert row.tolist() == [1, 2, -1, 1, 0]
