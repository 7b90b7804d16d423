"""Settings that must stand before the first test module is imported."""

import os

from hypothesis import settings

# torch's OpenMP threads spin while they wait and starve every other process of a small machine;
# the setting counts only if it stands before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A test that reaches for a network fails at once and says so, instead of retrying for a minute.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# No deadline, since a shared machine may stall; the same examples each time.
settings.register_profile("mlff", deadline=None, derandomize=True)
settings.load_profile("mlff")
