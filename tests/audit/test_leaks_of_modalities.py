"""Copies among parts with several images, some of which are missing."""

import numpy as np
import torch
from modality_samples import part

from mlff_cli.audit.leaks import find_leaks, leak_inputs
from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features.columns import Columns, Whole
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import Record


class Stand:
    """Features of forty parts, drawn at random: thermal images are missing of every fourth."""

    modalities = ("visual", "thermal")
    levels = tuple(
        LevelInfo(f"{modality}:{level}", 12, 8)
        for level in ("a", "b", "c")
        for modality in ("visual", "thermal")
    )

    def __init__(self, copies):
        self.copies = copies

    def identities(self, images):
        return [image.identity() for image in images]

    def read(self, images, inputs, variation=0):
        torch.manual_seed(0)
        columns = []
        for item in inputs:
            rows = 10 + torch.rand(len(images), 12)
            for one, other in self.copies:
                rows[one] = rows[other]
            if item.level.startswith("thermal"):
                rows[::4] = torch.nan
            columns.append(rows)
        return Columns(Whole(columns))


def experience():
    records = [Record(f"{n}.png", part(visual=n, thermal=100 + n), ("x",)) for n in range(40)]
    return Experience(
        name="e", index=1, head="e", outputs=("x",), learned=True,
        train=records[:30], validation=[], test=records[30:],
    )  # fmt: skip


def test_parts_are_no_copies_because_they_lack_the_same():
    leaks = find_leaks(Stand(copies=[]), [experience()], "test")
    assert leaks.near == [] and leaks.exact == []


def test_copies_with_and_without_gaps_are_found():
    leaks = find_leaks(Stand(copies=[(36, 4), (37, 5)]), [experience()], "test")
    assert {(pair.scored, pair.trained) for pair in leaks.near} == {(36, 4), (37, 5)}


def test_the_deepest_levels_of_every_modality_are_compared():
    levels = {item.level for item in leak_inputs(Stand(copies=[]))}
    assert levels == {"visual:b", "thermal:b", "visual:c", "thermal:c"}
    assert np.unique([item.pooling for item in leak_inputs(Stand([]))]).size == 3
