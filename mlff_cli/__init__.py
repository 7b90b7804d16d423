"""Continual learning for visual quality inspection by multi-level feature fusion.

These names stay (see docs/library.md); each is loaded when it is first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlff_cli.errors import UserError
    from mlff_cli.library.answering import predict
    from mlff_cli.library.features import Features
    from mlff_cli.library.network import load_network
    from mlff_cli.library.run import Run, open_run
    from mlff_cli.library.training import DataCheck, check_data, train

__version__ = "0.1.0"

_HOME = {
    "DataCheck": "library.training",
    "Features": "library.features",
    "Run": "library.run",
    "UserError": "errors",
    "check_data": "library.training",
    "load_network": "library.network",
    "open_run": "library.run",
    "predict": "library.answering",
    "train": "library.training",
}
"""Where each name of the library is defined."""

__all__ = [
    "DataCheck",
    "Features",
    "Run",
    "UserError",
    "__version__",
    "check_data",
    "load_network",
    "open_run",
    "predict",
    "train",
]


if not TYPE_CHECKING:  # or every wrong name would pass for one that is loaded later

    def __getattr__(name: str) -> object:
        """Return a name of the library, loaded now."""
        if name not in _HOME:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
