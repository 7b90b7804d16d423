"""Distances of experiences as a table."""

from mlff_cli.results.renderers.markdown import render
from mlff_cli.results.similarity import SHOWN, Similarity, similarity_table

THREE = Similarity(("bolt", "nut", "a|b"), ((0.0, 5.0, 2.0), (5.0, 0.0, 9.0), (2.0, 9.0, 0.0)))


def test_each_experience_has_its_nearest_and_its_row():
    lines = render(similarity_table(THREE)).splitlines()
    assert lines[0] == "| experience | nearest | distance | bolt | nut | a\\|b |"
    assert lines[2] == "| bolt | a\\|b | 2 | 0 | 5 | 2 |"
    assert lines[3] == "| nut | bolt | 5 | 5 | 0 | 9 |"


def test_of_many_the_nearest_alone_are_shown():
    count = SHOWN + 1
    rows = tuple(tuple(float(abs(i - j)) for j in range(count)) for i in range(count))
    table = similarity_table(Similarity(tuple(map(str, range(count))), rows))
    assert [column.title for column in table.columns] == ["experience", "nearest", "distance"]
    assert table.texts(table.rows[3]) == ["3", "2", "1"]


def test_a_product_that_is_taken_out_leaves_the_others_as_they_were():
    assert THREE.without("nut") == Similarity(("bolt", "a|b"), ((0.0, 2.0), (2.0, 0.0)))
    assert THREE.without("washer") == THREE
    assert Similarity(("a", "b"), ((0.0, 1.0), (1.0, 0.0))).without("a") is None
