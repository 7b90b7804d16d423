from mlff_cli.results.table import Column, Table

COLUMNS = [
    Column("scenario"),
    Column("method"),
    Column("seed", "integer"),
    Column("score", "fraction", "what it is"),
]
ROWS = [
    {"scenario": "steel", "method": "a", "seed": 0, "score": 0.5},
    {"scenario": "tile", "method": "a", "seed": 0, "score": None},
]
TABLE = Table("sweep", COLUMNS, ROWS, ["a note"], legend="in terms of x")


def test_cells_are_texts_of_their_columns():
    assert [TABLE.texts(row) for row in ROWS] == [
        ["steel", "a", "0", "50.0 %"],
        ["tile", "a", "0", ""],
    ]
    assert [column.to_right for column in COLUMNS] == [False, False, True, True]
    assert Column("title", key="k").text({"k": "x", "title": "y"}) == "x"


def test_the_legend_stands_before_definitions_or_not_at_all():
    assert TABLE.definitions() == ["in terms of x", "score: what it is"]
    assert Table("", COLUMNS[:2], ROWS, legend="in terms of x").definitions() == []


def test_split_by_a_column_that_varies():
    first, second = TABLE.split_by("scenario")
    assert (first.title, second.title) == ("sweep: steel", "sweep: tile")
    assert first.rows == ROWS[:1] and second.rows == ROWS[1:]
    assert [column.title for column in first.columns] == ["method", "seed", "score"]
    assert TABLE.split_by("method") == TABLE.split_by("absent") == [TABLE]


def test_names_that_never_differ_become_a_note():
    table = TABLE.without_repeats()
    assert table.notes == ["method a, seed 0", "a note"]
    assert [column.title for column in table.columns] == ["scenario", "score"]
    alone = Table("", COLUMNS, ROWS[:1])
    assert alone.without_repeats() == alone
