"""A fifth of the groups, whole, drawn by a seed."""

from dataclasses import replace

import torch

from mlff_cli.data.generated import GeneratedImage
from mlff_cli.methods.held_out import held_out
from mlff_cli.tasks.record import Record


def test_a_fifth_of_the_groups_is_held_out_whatever_their_order():
    records = [Record(f"{place}", GeneratedImage("surfaces", ())) for place in range(13)]
    held = held_out(records, seed=3)
    assert int(held.sum()) == len(records) // 5
    assert torch.equal(held_out(records[::-1], seed=3), held.flip(0))
    grouped = [replace(record, group=f"g{place % 4}") for place, record in enumerate(records)]
    of_group = {r.group for r, h in zip(grouped, held_out(grouped, 0).tolist(), strict=True) if h}
    assert len(of_group) == 1
    assert not held_out([replace(record, group="g") for record in records], 0).any()
    assert int(held_out(records[:2], 0).sum()) == 1
