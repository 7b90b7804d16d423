import csv
from io import StringIO

from mlff_cli.results.renderers.csv import render
from mlff_cli.results.table import Column, Table
from mlff_cli.results.tables import every_row


def test_cells_are_unrounded_and_texts_on_one_line():
    columns = [Column("method"), Column("score", "fraction")]
    rows = [
        {"method": 'says "no"\r\nand, stops', "score": 0.1 + 0.2},
        {"method": "b", "score": None, "other": 1},
    ]
    text = render(Table("title", columns, rows, ["a note"]))
    assert list(csv.reader(StringIO(text))) == [
        ["method", "score"],
        ['says "no" and, stops', "0.30000000000000004"],
        ["b", ""],
    ]


def test_what_stands_beside_a_cell_has_a_column_behind_it():
    rows = [
        {"method": "a", "seeds": 3, "final mAP": 0.5, "final mAP deviation": 0.1},
        {"method": "b", "seeds": 3, "final mAP": 0.6, "final mAP seeds": 2, "unseen mAP": 0.1},
    ]
    assert render(every_row(rows)).splitlines() == [
        "method,seeds,final mAP,final mAP deviation,final mAP seeds,unseen mAP",
        "a,3,0.5,0.1,,",
        "b,3,0.6,,2,0.1",
    ]
    assert (
        render(every_row(rows[:1])).splitlines()[0] == "method,seeds,final mAP,final mAP deviation"
    )
