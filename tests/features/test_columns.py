"""Columns of features: read by position, in batches, or as one table."""

import pytest
import torch

from mlff_cli.features import columns as module
from mlff_cli.features.columns import Columns, Table, Whole, everything, side_by_side

CPU = torch.device("cpu")


class Watched(Whole):
    """Rows in memory that note which of them are taken."""

    def __init__(self, columns):
        super().__init__(columns)
        self.taken = []

    def take(self, positions):
        self.taken.append(positions.tolist())
        return super().take(positions)


@pytest.fixture
def rows():
    torch.manual_seed(0)
    return Watched([torch.randn(7, 3), torch.randn(7, 2, 4, 4).half()])


@pytest.mark.parametrize("limit", [0, 1 << 20], ids=["where they lie", "resident"])
def test_rows_come_by_positions_as_float32(rows, limit):
    columns = Columns(rows).resident(CPU, limit)
    assert len(columns) == 7
    assert columns.shapes == [(3,), (2, 4, 4)]
    first, second = columns[torch.tensor([6, 0, 6])]
    assert (first.shape, second.shape) == ((3, 3), (3, 2, 4, 4))
    assert first.dtype == second.dtype == torch.float32
    assert torch.equal(first, rows.take(torch.tensor([6, 0, 6]))[0])
    assert torch.equal(second[0], second[2])
    assert [len(part) for part in columns[2:4]] == [2, 2]
    assert [len(part) for part in columns[torch.tensor([], dtype=torch.int64)]] == [0, 0]


def test_nothing_is_taken_that_is_not_asked_for(rows):
    columns = Columns(rows)
    assert (len(columns), columns.nbytes, columns.row_bytes) == (7, 7 * 35 * 4, 35 * 4)
    assert columns.resident(CPU, columns.nbytes - 1) is columns
    assert rows.taken == []
    _ = columns[torch.tensor([3, 1])]
    assert rows.taken == [[3, 1]]


def test_a_table_is_filled_once_and_then_read_from(rows):
    columns = Columns(rows)
    table = columns.resident(CPU, columns.nbytes)
    assert rows.taken == [[0, 1, 2, 3, 4, 5, 6]]
    assert all(
        torch.equal(a, b.float()) for a, b in zip(table[:], rows.take(torch.arange(7)), strict=True)
    )
    assert len(rows.taken) == 2


def test_batches_can_be_gone_through_again(rows):
    batches = Columns(rows).batches(3)
    for _ in range(2):
        rows.taken.clear()
        assert [len(first) for first, _ in batches] == [3, 3, 1]
        assert rows.taken == [[0, 1, 2], [3, 4, 5], [6]]


def test_everything_is_bounded_by_rows_and_by_bytes(rows, monkeypatch):
    several = Columns(rows), Columns(Whole([torch.zeros(2, 3), torch.zeros(2, 2, 4, 4)]))
    assert [len(first) for first, _ in everything(*several)] == [7, 2]
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 4 * 35 * 4)
    assert [len(first) for first, _ in everything(*several)] == [4, 3, 2]
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 2)
    assert [len(first) for first, _ in everything(*several)] == [2, 2, 2, 1, 2]
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 1)
    assert len(list(everything(several[0]))) == 7


def test_no_rows_are_columns_too():
    columns = Columns(Whole([torch.zeros(0, 3)]))
    assert (len(columns), columns.nbytes, list(columns.batches(2))) == (0, 0, [])
    assert columns.resident(CPU, 10)[:][0].shape == (0, 3)
    assert Table.filled(columns).shapes == [(3,)]


def test_maps_of_one_size_lie_side_by_side_in_a_table(monkeypatch):
    torch.manual_seed(0)
    sizes = (2, 4, 4), (3,), (5, 4, 4), (4, 2, 2), (1,)
    given = [torch.randn(7, *size) for size in sizes]
    taken = Columns(Whole(given)).resident(CPU, 1 << 20)[torch.tensor([5, 0, 2])]
    for part, column in zip(taken, given, strict=True):
        assert torch.equal(part, column[[5, 0, 2]])
    maps, vectors = ([taken[place] for place in own] for own in ((0, 2), (1, 4)))
    for parts in (vectors, [part.flatten(2).transpose(1, 2) for part in maps]):
        joined = side_by_side(parts)
        assert torch.equal(joined, torch.cat(parts, dim=-1))
        assert joined.data_ptr() == parts[0].data_ptr(), "nothing is copied"


@pytest.mark.parametrize(
    "choose",
    [lambda a, b, c: [b, a], lambda a, b, c: [a, c], lambda a, b, c: [a, b + 0],
     lambda a, b, c: [a + 0, b], lambda a, b, c: [a[:, ::2], b], lambda a, b, c: [b]],
    ids=["turned round", "with a gap", "with another", "after another", "strided", "one"],
)  # fmt: skip
def test_what_lies_elsewhere_is_joined_by_copying(choose):
    torch.manual_seed(0)
    parts = choose(*torch.split(torch.randn(6, 9), [4, 3, 2], dim=1))
    assert torch.equal(side_by_side(parts), torch.cat(parts, dim=-1))


def test_a_graph_joins_what_it_is_given():
    class Joins(torch.nn.Module):
        def forward(self, rows):
            return side_by_side(torch.split(rows * 1, [2, 3], dim=1))

    graph = torch.export.export(Joins(), (torch.randn(4, 5),)).module()
    assert not any("as_strided" in str(node.target) for node in graph.graph.nodes)
    rows = torch.randn(4, 5)
    assert torch.equal(graph(rows), rows)
