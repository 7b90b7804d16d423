"""What the commands on a finished run import: heavy packages cost more than all their work."""

import pytest
from command_calls import TINY, imported

NEVER = {"torchvision", "timm", "sklearn", "pandas", "matplotlib"}
"""What no such command needs: pictures are those that the run has drawn, features are stored."""


@pytest.mark.parametrize(
    ("command", "others"),
    [
        ("train", {"torch", "scipy", "tqdm", "asyncio"}),
        ("report", {"torch", "scipy", "tqdm", "asyncio"}),
        ("evaluate", {"scipy"}),
    ],
)
def test_a_command_on_a_finished_run_leaves_heavy_packages_alone(
    command, others, workplace, run_folder, tmp_path
):
    words, folder = (TINY, workplace) if command == "train" else ((str(run_folder),), tmp_path)
    result, modules = imported(command, *words, folder=folder)
    assert result.code == 0, result.err
    assert "mlff_cli" in modules
    assert not modules & (NEVER | others)


def test_verify_imports_what_sees_images_and_no_more(run_folder, tmp_path):
    """It hashes, decodes and sees every image anew, so that it needs torch."""
    result, modules = imported("verify", str(run_folder), folder=tmp_path)
    assert result.code == 0, result.err
    assert not modules & (NEVER - {"torchvision", "timm"})
