"""Graphs of any number of images, whichever way they were traced."""

import pytest
import torch
from torch import nn

from mlff_cli.system import onnx_writing
from mlff_cli.system.onnx_runtime import loaded

NAMES = {"inputs": ["images", "limit"], "outputs": ["said", "most"], "opset": 18}


class Flat(nn.Module):
    """Reshapes: the number of images is written into the trace and taken out again."""

    def forward(self, images, limit):
        rows = images.float().mean((2, 3), keepdim=True).flatten(1)
        return rows > limit, rows.max(1).values


class Concatenated(nn.Module):
    """A row beside those of each image, as transformers have: it is written once for each."""

    def __init__(self):
        super().__init__()
        self.row = nn.Parameter(torch.ones(1, 1, 3))

    def forward(self, images, limit):
        rows = images.float().flatten(2).transpose(1, 2)
        rows = torch.cat([self.row.expand(rows.shape[0], -1, -1), rows], 1)
        return rows > limit, rows.mean((1, 2))


class Joined(nn.Module):
    """Places of all images as one list, normalised, and again one list for each image."""

    def forward(self, images, limit):
        rows = images.float().flatten(2).transpose(1, 2)
        places = nn.functional.normalize(rows.reshape(-1, 3) + 1)
        rows = places.view(rows.shape[0], 30, -1)
        return rows > 1 / limit, rows.amax((1, 2))


class Numbered(nn.Module):
    """Numbers the images: those of the trace stay in it."""

    def forward(self, images, limit):
        rows = images.float().mean((2, 3)) + torch.arange(images.shape[0])[:, None]
        return rows > limit, rows.max(1).values


MODULES = [(Flat(), 1), (Concatenated(), 1), (Joined(), 1), (Numbered(), 2)]


@pytest.mark.parametrize(("module", "traces"), MODULES)
def test_any_number_of_images_is_answered_as_the_module_does(module, traces, monkeypatch, capfd):
    done, exported = [], onnx_writing._exported
    monkeypatch.setattr(onnx_writing, "_exported", lambda *a: done.append(a) or exported(*a))
    graph = onnx_writing.onnx_graph(module, (6, 5), (torch.tensor(9.0),), **NAMES)
    assert len(done) == traces
    session = loaded(graph.SerializeToString(), "it")
    limit = torch.tensor(128.0)
    for number in (1, 2, 3, 7, 16):
        images = torch.randint(0, 256, (number, 3, 6, 5), dtype=torch.uint8)
        said, most = session.run(None, {"images": images.numpy(), "limit": limit.numpy()})
        expected = module(images, limit)
        assert (said == expected[0].numpy()).all()
        assert most == pytest.approx(expected[1].detach().numpy())
    assert capfd.readouterr() == ("", "")


def test_what_is_drawn_elsewhere_stays_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    onnx_writing.onnx_graph(Flat(), (6, 5), (torch.tensor(9.0),), **NAMES)
    assert torch.equal(torch.rand(1), expected)
