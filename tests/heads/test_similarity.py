"""How far products lie from each other."""

import torch

from mlff_cli.heads.similarity import distances, sketch


def product(shift, seed, images=60, width=12):
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randn(images, width, generator=draw) * 0.1 + 1
    rows[:, 0] += shift
    return sketch(rows)


def test_products_that_are_alike_lie_near_and_none_lies_off_itself():
    found = distances([product(0.0, 1), product(0.2, 2), product(1.0, 3)])
    assert found.shape == (3, 3)
    assert torch.equal(found, found.T) and not found.diagonal().any()
    assert found[0, 1] < found[1, 2] < found[0, 2]


def test_a_single_product_and_none():
    assert distances([product(0.0, 1)]).tolist() == [[0.0]]
    assert distances([]).numel() == 0
