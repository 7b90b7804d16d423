"""The grammar of the comments behind keys."""

import pytest

from mlff_cli.config.values import Values, number, read_values


@pytest.mark.parametrize(
    ("comment", "good", "bad", "expected"),
    [
        ("auto | cpu", ["auto", "cpu"], ["gpu", "", None], "one of auto, cpu"),
        ("2 | 4", [2, 4], [3, "2"], "one of 2, 4"),
        (
            "auto | true | false",
            ["auto", True, False],
            ["true", "on", None],
            "one of auto, true, false",
        ),
        ("any of flips | shifts", [[], ["flips"]], [["flips", "x"]], "one of flips, shifts"),
        ("1 or more", [1, 10**30], [0, -1], "at least 1"),
        ("-1 or more", [-1, 0], [-2], "at least -1"),
        ("from 0 to 1", [0, 0.5, 1], [-0.001, 1.001], "at least 0 and at most 1"),
        ("from 16 to 4096", [16, 4096], [15, 4097], "at least 16 and at most 4096"),
        (
            "from 16 to 4096, or [height, width]",
            [16, [16, 4096], [64, 64]],
            [15, [15, 64], [64, 4097]],
            "at least 16 and at most 4096",
        ),
        ("from 0 to 2^63-1", [2**63 - 1], [2**63, -1], "at least 0 and at most 2^63-1"),
        ("above 0, below 10", [1e-9, 9.99], [0, 10], "between 0 and 10 (above 0, below 10)"),
        ("from 0, below 1", [0, 0.75], [1, -0.1], "between 0 and 1 (from 0, below 1)"),
        ("from 1e-3, below 0.5", [0.001], [0.0009, 0.5], "between 1e-3 and 0.5"),
    ],
)
@pytest.mark.parametrize("mark", ["", "; changes no result"])
def test_what_a_comment_admits(comment, good, bad, expected, mark):
    values = read_values(comment + mark)
    assert values.said == comment
    assert values.changes_result is not bool(mark)
    assert all(map(values.admit, good))
    assert not any(map(values.admit, bad))
    assert expected in values.expected()


def test_not_a_number_lies_in_no_range():
    assert not read_values("0 or more").admit(float("nan"))
    assert not read_values("from 0 to 1").admit(float("inf"))


def test_a_list_of_whole_numbers():
    values = read_values("whole numbers")
    assert values.whole_numbers and values.admit([1, 2])


def test_the_mark_may_stand_alone():
    assert read_values("changes no result") == Values(changes_result=False)
    assert read_values("changes no result").admit("anything")


@pytest.mark.parametrize(
    "comment",
    ["positive", "1 or", "above", "from 0", "from 1 - 2 to 3", "1 or more, changes no result",
     "below 3", "any of flips", "from 1.2.3 to 4"],
)  # fmt: skip
def test_a_comment_that_is_no_rule_is_refused(comment):
    with pytest.raises(ValueError, match=r"no rule|could not convert"):
        read_values(comment)


@pytest.mark.parametrize(
    ("written", "value"),
    [("0", 0), ("-1", -1), ("0.5", 0.5), ("1e-6", 1e-6), ("2^8-1", 255), ("2^63-1", 2**63 - 1)],
)
def test_numbers(written, value):
    assert number(written) == value
    assert type(number(written)) is type(value)
