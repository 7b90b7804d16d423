"""One module from image to scores: the answers of its run, and nothing else of the program."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from mlff_cli import UserError, load_network


@pytest.fixture(scope="module")
def network(run):
    return load_network(run, "valve")


def tensor(*paths, size=None):
    pictures = [Image.open(path).convert("RGB") for path in paths]
    if size:
        pictures = [picture.resize(size) for picture in pictures]
    arrays = np.stack([np.asarray(picture) for picture in pictures])
    return torch.from_numpy(arrays).permute(0, 3, 1, 2)


def test_its_scores_are_the_runs(run, network, images):
    answers = run.predict(images, product="valve")
    expected = answers[[f"score {name}" for name in network.outputs]].to_numpy()
    assert network.outputs == run.products["valve"] and network.size == (32, 32)
    assert torch.allclose(network(tensor(*images)).double(), torch.tensor(expected), atol=1e-5)


def test_images_of_another_size_are_resized_as_the_run_does(run, network, images):
    large = tensor(*images, size=(75, 50))
    arrays = list(large.permute(0, 2, 3, 1).numpy())
    answers = run.predict(arrays, product="valve")
    expected = answers[[f"score {name}" for name in network.outputs]].to_numpy()
    assert torch.allclose(network(large).double(), torch.tensor(expected), atol=1e-5)


def test_floats_from_0_to_1_are_the_same_image_and_gradients_reach_them(network, images):
    whole = tensor(*images)
    shares = (whole / 255).requires_grad_()
    scores = network(shares)
    assert torch.allclose(scores, network(whole), atol=1e-5)
    scores[:, 1].sum().backward()
    assert shares.grad.abs().sum() > 0
    large = (tensor(*images, size=(75, 50)) / 255).requires_grad_()
    network(large)[:, 1].sum().backward()
    assert large.grad.abs().sum() > 0


def test_it_is_in_eval_mode_frozen_and_of_its_own(run, network, images):
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    before = run.predict(images, product="valve")["score good"]
    changed = load_network(run, "valve")
    for parameter in changed.parameters():
        parameter.zero_()
    assert run.predict(images, product="valve")["score good"].equals(before)


def test_it_comes_back_from_a_file_without_config_or_run(network, images, tmp_path):
    torch.save(network, tmp_path / "network.pt")
    np.save(tmp_path / "images.npy", tensor(*images).numpy())
    code = (
        "import sys, torch, numpy;"
        "from mlff_cli.backbones.torchvision_remedy import import_torchvision;"
        "import_torchvision();"  # which is all that timm may want
        f"network = torch.load({str(tmp_path / 'network.pt')!r}, weights_only=False);"
        f"images = torch.from_numpy(numpy.load({str(tmp_path / 'images.npy')!r}));"
        "print(network(images)[0].tolist());"
        "print([name for name in ('hydra', 'omegaconf', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    scores, loaded = done.stdout.splitlines()
    assert torch.allclose(torch.tensor(eval(scores)), network(tensor(*images))[0], atol=1e-6)
    assert loaded == "[]"


def test_what_is_no_image_is_refused(network):
    with pytest.raises(TypeError, match="int64; give uint8, or float from 0 to 1"):
        network(torch.zeros(1, 3, 32, 32, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"give \(N, 3, H, W\)"):
        network(torch.zeros(3, 32, 32))


def test_the_product_has_to_be_one_of_the_run(run):
    with pytest.raises(UserError, match="product= is needed"):
        load_network(run)
    with pytest.raises(UserError, match="product=valv: did you mean 'valve'"):
        load_network(run.folder, "valv")
