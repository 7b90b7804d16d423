"""Packages outside of mlff, each in a folder of its own: the example's, and made-up ones."""

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "mlff_nearest_class_mean"


def install_example(folder: Path, version: str = "1.0.0") -> Path:
    """Build the example's wheel and unpack it into a folder: pip would ask the network."""
    source = folder / "source"
    for file in (file for file in EXAMPLE.rglob("*") if file.suffix in (".py", ".toml", ".yaml")):
        copy = source / file.relative_to(EXAMPLE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text(encoding="utf-8").replace('"1.0.0"', f'"{version}"'))
    build = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    zipfile.ZipFile(wheel).extractall(target)
    return target


def write_package(
    folder: Path, points: Mapping[str, str], files: Mapping[str, str], version: str = "0.1"
) -> Path:
    """Write a package `strange` as pip leaves it; `points` are its entry points by kind."""
    info = folder / f"strange-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: strange\nVersion: {version}\n")
    lines = (f"[mlff.{kind}]\n{point}\n" for kind, point in points.items())
    (info / "entry_points.txt").write_text("\n".join(lines))
    return write_files(folder, files)


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a user's folder of configs."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return folder
