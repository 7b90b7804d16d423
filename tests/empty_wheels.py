"""Wheels of nothing, for indexes that a test makes."""

import zipfile
from pathlib import Path


def empty_wheel(folder: Path, name: str, version: str) -> Path:
    """Write an empty wheel of that name and version, and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        head = "Metadata-Version: 2.1\n"
        file.writestr(f"{info}/METADATA", f"{head}Name: {name}\nVersion: {version}\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return path
