"""The drawn images dealt out to production batches."""

from collections import Counter

import pytest

from mlff_cli.data.surfaces import Surfaces
from mlff_cli.errors import UserError


def test_without_batches_no_record_names_one():
    assert {record.batch for record in Surfaces(images_per_class=4).records()} == {""}


@pytest.mark.parametrize("labelling", ["defects", "good_defect"])
def test_every_batch_holds_every_class_of_every_product(labelling):
    plain = Surfaces(images_per_class=24, labelling=labelling).records()
    dealt = Surfaces(images_per_class=24, labelling=labelling, batches=3).records()
    counts = Counter((record.batch, record.product, record.labels) for record in dealt)
    assert {batch for batch, _, _ in counts} == {"batch_1", "batch_2", "batch_3"}
    assert set(counts.values()) == {8}
    assert [record.image for record in dealt] == [record.image for record in plain]


def test_batches_appear_in_order_and_sort_as_text():
    batches = [record.batch for record in Surfaces(images_per_class=12, batches=12).records()]
    assert list(dict.fromkeys(batches)) == sorted(set(batches))


@pytest.mark.parametrize("batches", [0, 5])
def test_a_number_of_batches_that_cannot_be_filled_is_refused(batches):
    with pytest.raises(UserError, match=r"data\.batches"):
        Surfaces(images_per_class=4, batches=batches)
