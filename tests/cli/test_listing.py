"""``mlff list``: groups, choices and their keys."""

from command_calls import call

from mlff_cli.config.shipped import choices, groups, shipped


def test_list_shows_the_groups_with_their_choices():
    out = call("list").out
    lines = [line.split() for line in out.splitlines() if line.startswith("  ")]
    assert {line[0] for line in lines} == {group for group in groups() if choices(group)}
    assert "  fusion      authors, conv1x1, conv1x1_grid, deepest, local, normalised_means\n" in out


def test_every_choice_of_every_group_is_described():
    for group in groups():
        out = call("list", group).out
        for choice, about in choices(group).items():
            assert f"{choice}\n" in out or f"{choice} (the default)\n" in out
            assert about.split()[0] in out
        assert max(map(len, out.splitlines())) <= 100


def test_the_keys_of_a_choice_stand_below_it_as_they_are_given():
    assert "_files" not in call("list", "dataset").out
    out = call("list", "fusion").out
    for key in shipped("fusion/conv1x1").keys() - {"name"}:
        assert f"    fusion.{key}=" in out
    assert "fusion.pooling=[max,min,range]" in out
    assert "data.root=null" in call("list", "dataset").out
    assert "fusion.name" not in out


def test_the_values_of_a_key_stand_beside_it():
    assert "[auto | cpu | cuda | mps]" in call("list", "trainer").out
    assert "[above 0, below 10]" in call("list", "method").out
    assert "[any of flips | shifts | brightness]" in call("list", "dataset").out


def test_a_group_without_shipped_choices_says_how_to_add_some():
    result = call("list", "experiment")
    assert result.code == 0
    assert "--config-dir" in result.out or "experiment=" in result.out or choices("experiment")
