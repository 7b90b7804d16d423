"""Sums of parts are the sums of the whole, whatever the parts, and fewer outputs are no others."""

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.methods.sums import Sums, added


def drawn(seed, rows=23, width=4, outputs=3):
    generator = torch.Generator().manual_seed(seed)
    descriptors = torch.randn(rows, width, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 2, (rows, outputs), generator=generator).double()
    errors = torch.rand(5, generator=generator, dtype=torch.float64)
    return descriptors, targets, errors


def same(one, other):
    return all(torch.equal(vars(one)[name], vars(other)[name]) for name in vars(one))


def test_what_the_sums_hold():
    descriptors, targets, errors = drawn(0)
    sums = Sums.of(descriptors, targets, errors)
    assert int(sums.count) == 23
    torch.testing.assert_close(sums.total, descriptors.sum(dim=0))
    torch.testing.assert_close(sums.outer, descriptors.T @ descriptors)
    torch.testing.assert_close(sums.output_counts, targets.sum(dim=0))
    torch.testing.assert_close(sums.output_totals, targets.T @ descriptors)


@given(st.integers(0, 1000), st.sets(st.integers(1, 22), max_size=4))
def test_parts_add_up_to_the_whole(seed, cuts):
    descriptors, targets, errors = drawn(seed)
    ends = [0, *sorted(cuts), 23]
    parts = [
        Sums.of(descriptors[a:b], targets[a:b], errors / (len(ends) - 1)) for a, b in pairwise(ends)
    ]
    whole, total = Sums.of(descriptors, targets, errors), added(parts, 3)
    for name in vars(whole):
        torch.testing.assert_close(vars(total)[name], vars(whole)[name])


def test_a_part_that_knew_fewer_outputs_has_no_image_of_the_others():
    descriptors, targets, errors = drawn(1)
    early = Sums.of(descriptors[:9], targets[:9, :2], errors)
    late = Sums.of(descriptors[9:], targets[9:], errors)
    total = added([early, late], 3)
    assert total.output_counts[2] == targets[9:, 2].sum()
    assert torch.equal(added([early], 3).having([0, 1]).outputs, early.outputs)


def test_the_bits_of_an_output_do_not_depend_on_how_many_there_are():
    descriptors, targets, errors = drawn(2, rows=301, width=33, outputs=9)
    all_of_them = Sums.of(descriptors, targets, errors)
    for count in (1, 2, 5):
        few = Sums.of(descriptors, targets[:, :count], errors)
        assert same(few, all_of_them.having(range(count)))
