"""Files inside other packages: found, and nothing of the package runs."""

import sys

from mlff_cli.backbones.packaged import packaged_file


def test_a_file_is_found_and_the_package_not_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "carries_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('what it needs is not installed')")
    weights = package / "models" / "weights.pth"
    weights.write_bytes(b"weights")
    assert packaged_file("carries_weights", "models/weights.pth") == weights
    assert packaged_file("carries_weights", "models/others.pth") is None
    assert packaged_file("carries_weights", "models") is None
    assert "carries_weights" not in sys.modules


def test_a_package_that_is_not_there_has_none(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "one_module.py").write_text("")
    assert packaged_file("no_such_package_here", "weights.pth") is None
    assert packaged_file("one_module", "weights.pth") is None
