"""How a sequence is cut: order, what is unseen, and names that cannot be meant."""

from unicodedata import normalize

import pytest

from mlff_cli.data.generated import GeneratedImage
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.schedule import Cut, atoms_of, cut

IMAGE = GeneratedImage("surfaces", ())
PRODUCTS = [Record(name, IMAGE, (name[0],), product=name) for name in ("cog", "axle", "pin")]
CLASSES = [Record(label, IMAGE, (label,)) for label in "abcde"]


def by_product(**options):
    return cut(PRODUCTS, line="product", **options)


def test_the_atoms_of_a_record():
    record = Record("x", IMAGE, ("good", "old"), product="cog", batch="monday")
    assert atoms_of(record, "product") == ("cog",)
    assert atoms_of(record, "batch") == ("monday",)
    assert atoms_of(record, "class") == ("good", "old")
    assert atoms_of(Record("x", IMAGE), "class") == ()


def test_products_come_one_by_one_and_classes_together():
    assert [each.atoms for each in by_product()] == [("cog",), ("axle",), ("pin",)]
    cuts = cut(CLASSES, line="class", classes_per_experience=2)
    assert [each.name for each in cuts] == ["a+b", "c+d", "e"]
    assert Cut(("",), learned=True).name == "all"


def test_only_scored_learns_nothing_and_needs_no_order():
    cuts = by_product(only_scored=True)
    assert [(each.name, each.learned) for each in cuts] == [
        ("cog", False), ("axle", False), ("pin", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["cog", "axel", "pin"], r"there is no 'axel'; did you mean 'axle'\?"),
        (["cog", "axle"], "missing: pin"),
        (["cog", "axle", "pin", "cog"], "stands twice"),
    ],
)
def test_an_order_that_cannot_be_meant(order, message):
    with pytest.raises(UserError, match=f"order: .*{message}"):
        by_product(order=order)


@pytest.mark.parametrize(
    ("unseen", "message"),
    [
        (["pinn"], r"there is no 'pinn'; did you mean 'pin'"),
        (["cog", "pin", "axle"], "nothing is left"),
    ],
)
def test_unseen_names_that_cannot_be_meant(unseen, message):
    with pytest.raises(UserError, match=f"schedule.unseen: .*{message}"):
        by_product(unseen=unseen)


def test_names_in_either_form_of_unicode_are_the_same():
    one, other = (normalize(form, "Prüfling") for form in ("NFC", "NFD"))
    assert one != other
    records = [Record(name, IMAGE, ("a",), product=name) for name in (one, other, "pin")]
    assert [each.name for each in cut(records, line="product")] == [one, "pin"]
    cuts = cut(records, line="product", order=["pin", other], unseen=[other])
    assert [(each.name, each.learned) for each in cuts] == [("pin", True), (one, False)]
