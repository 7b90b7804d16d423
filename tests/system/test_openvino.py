"""OpenVINO's session: what cannot be loaded, and what is missing."""

import numpy as np
import pytest
import torch
from torch import nn

from mlff_cli.errors import UserError
from mlff_cli.system import openvino
from mlff_cli.system.openvino import OpenVinoSession


class TwoOutputs(nn.Module):
    """Says two things of images of bytes."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return means (B, C) and largest values (B,)."""
        numbers = images.float()
        return numbers.mean(dim=(2, 3)), numbers.amax(dim=(1, 2, 3))


@pytest.fixture(scope="module")
def graph():
    batch = torch.export.Dim("batch")
    program = torch.onnx.export(
        TwoOutputs().eval(), (torch.zeros(2, 3, 4, 4, dtype=torch.uint8),), dynamo=True,
        dynamic_shapes=({0: batch},), input_names=["images"], output_names=["mean", "most"],
        verbose=False,
    )  # fmt: skip
    return program.model_proto.SerializeToString()


def test_outputs_come_by_name_for_every_number_of_images(graph):
    session = OpenVinoSession(graph, "a graph", threads=1)
    draw = np.random.default_rng(0)
    kept = []
    for count in (3, 1, 3):
        images = draw.integers(0, 256, (count, 3, 4, 4), dtype=np.uint8)
        most, mean = session.run(["most", "mean"], {"images": images})
        np.testing.assert_allclose(mean, images.mean(axis=(2, 3)), rtol=1e-5)
        np.testing.assert_array_equal(most, images.max(axis=(1, 2, 3)))
        kept.append((most, images))
    for most, images in kept:  # a later call overwrites none of an earlier one
        np.testing.assert_array_equal(most, images.max(axis=(1, 2, 3)))


def test_what_is_no_graph_is_refused_by_name():
    with pytest.raises(UserError, match=r"some\.onnx: cannot be loaded by OpenVINO"):
        OpenVinoSession(b"no graph", "some.onnx")


def test_without_the_package_one_learns_what_to_install(monkeypatch):
    def missing(name, extra):
        raise UserError(f"the package {name} is needed; install 'mlff[{extra}]'")

    monkeypatch.setattr(openvino, "extra_module", missing)
    with pytest.raises(UserError, match=r"install 'mlff\[openvino\]'"):
        OpenVinoSession(b"", "some.onnx")
