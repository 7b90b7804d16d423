import pytest

from mlff_cli.results.cells import DEVIATION, SEEDS, formatted, rounded
from mlff_cli.results.columns import columns_of


def shown(row, title):
    (column,) = [column for column in columns_of([row]) if column.title == title]
    return column.text(row)


@pytest.mark.parametrize(
    ("title", "value", "text"),
    [
        ("forgetting (mAP)", -0.0004, "0.0"),
        ("forgetting (mAP)", -0.0006, "-0.1"),
        ("learning mAP", 0.93849, "93.8 %"),
        ("learning mae", 0.012345, "0.0123"),
        ("learning mae", 12345.6, "12,346"),
        ("seed", 12345, "12345"),
        ("seeds", 3, "3"),
        ("training seconds per experience", 0.034, "0.03"),
        ("learning_rate", 0.001, "0.001"),
        ("scenario", "a\nb", "a b"),
        ("final mAP", None, ""),
    ],
)
def test_cells_are_rounded_as_their_column_asks(title, value, text):
    assert shown({title: value}, title) == text


def test_deviation_stands_beside_its_mean():
    row = {"final mAP": 0.938, "final mAP" + DEVIATION: 0.0042}
    assert shown(row, "final mAP") == "93.8 ± 0.4 %"
    title = "feature extraction seconds"
    assert shown({title: 12.34, title + DEVIATION: 0.51}, title) == "12.3 ± 0.5"


def test_a_mean_over_some_seeds_says_over_how_many():
    row = {"seeds": 3, "final mae": 0.93, "final mae" + DEVIATION: 0.042, "final mae" + SEEDS: 2}
    assert shown(row, "final mae") == "0.93 ± 0.042 (2 of 3)"
    assert shown(row | {"final mae" + DEVIATION: None}, "final mae") == "0.93 (2 of 3)"


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.123456789, "score", "0.123457"),
        (1500, "bytes", "1.5 kB"),
        (1200, "count", "1,200"),
        (83.04, "percent", "83.0"),
    ],
)
def test_numbers_are_rounded_as_their_kind_asks(value, kind, text):
    assert rounded(value, kind) == text


@pytest.mark.parametrize("kind", ["text", "shown", "count", "fraction"])
def test_what_has_no_value_is_blank_and_what_is_text_stays_so(kind):
    assert formatted({}, "a", kind) == formatted({"a": None}, "a", kind) == ""
    assert formatted({"a": "x\ny"}, "a", kind) == "x y"
