"""The default device, known without torch, is the one that torch would choose."""

from mlff_cli.system import accelerator


def test_it_is_what_torch_finds():
    import torch

    expected = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        expected = "mps"
    assert accelerator.default_device() == expected


def test_a_card_counts_only_with_a_torch_that_can_use_it(monkeypatch):
    for built, cards, expected in ((True, 1, "cuda"), (True, 0, "cpu"), (False, 2, "cpu")):
        monkeypatch.setattr(accelerator.sys, "platform", "linux")
        monkeypatch.setattr(accelerator, "_torch_has_cuda", lambda built=built: built)
        monkeypatch.setattr(accelerator, "_graphics_cards", lambda cards=cards: cards)
        accelerator.default_device.cache_clear()
        assert accelerator.default_device() == expected
    accelerator.default_device.cache_clear()
