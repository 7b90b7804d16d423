"""Which device a machine computes on by default, known without importing torch.

A run's identity says on what kind of device it was made; finding a finished run must not cost the
1.4 s that importing torch takes.
"""

import ctypes
import platform
import re
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def default_device() -> str:
    """Return "cuda", "mps" or "cpu": what `trainer.device=auto` means on this machine."""
    if _torch_has_cuda() and _graphics_cards() > 0:
        return "cuda"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps"
    return "cpu"


def _torch_has_cuda() -> bool:
    """Read from the file that torch's build leaves, whether it was built for CUDA (or ROCm)."""
    package = find_spec("torch")
    folders = package.submodule_search_locations if package else None
    try:
        text = Path((folders or [""])[0], "version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^(cuda|hip)\b[^=]*= '", text, flags=re.MULTILINE) is not None


def _graphics_cards() -> int:
    """Ask the driver how many cards there are; 0 where there is no driver."""
    for name in ("libcuda.so.1", "nvcuda.dll", "libamdhip64.so"):
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        if name.startswith("libamd"):
            failed = driver.hipGetDeviceCount(ctypes.byref(count))
        else:
            failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
        if not failed and count.value > 0:
            return count.value
    return 0
