"""Which atoms are drawn together."""

from mlff_cli.data.generated import GeneratedImage
from mlff_cli.tasks.components import components
from mlff_cli.tasks.record import Record

IMAGE = GeneratedImage("surfaces", ())


def atoms(records, line):
    return [component.atoms for component in components(records, line)]


def test_every_product_stands_alone_and_its_records_are_sorted():
    records = [Record(name, IMAGE, product=name[0]) for name in ("b2", "a1", "b1")]
    first, second = components(records, "product")
    assert (first.atoms, second.atoms) == (("a",), ("b",))
    assert [record.name for record in second.records] == ["b1", "b2"]


def test_a_chain_of_groups_joins_all_its_batches():
    places = {"g": "ab", "h": "cd", "i": "bc", "j": "e"}
    records = [
        Record(f"{group}{batch}", IMAGE, batch=batch, group=group)
        for group, batches in places.items()
        for batch in batches
    ]
    assert atoms(records, "batch") == [("a", "b", "c", "d"), ("e",)]
    assert sum(len(component.records) for component in components(records, "batch")) == 7


def test_an_image_of_several_classes_joins_them_and_one_of_none_is_left_out():
    records = [
        Record("x", IMAGE, ("c", "a")),
        Record("y", IMAGE, ("b",)),
        Record("z", IMAGE),
        Record("w", IMAGE, ("a",)),
    ]
    assert atoms(records, "class") == [("a", "c"), ("b",)]
    names = [[r.name for r in component.records] for component in components(records, "class")]
    assert names == [["w", "x"], ["y"]]


def test_a_group_is_not_the_image_of_the_same_name():
    records = [Record("g", IMAGE, batch="a"), Record("x", IMAGE, batch="b", group="g")]
    assert atoms(records, "batch") == [("a",), ("b",)]


def test_no_record_no_component():
    assert components([], "product") == []
