"""What all tests share: no network, and marks that skip where their need is not met."""

import importlib
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# Before any library that reads them is imported; launch.py sets the same.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not SHARED_DATA.is_dir():
        skip(items, "shared_data", "the real pictures are not here (../shared/data)")
    if CHROMIUM is None and not os.environ.get("CI"):  # there, its absence is a fault
        skip(items, "browser", "no Chromium on this computer")
    # torch is imported only where a test was collected that may need its answer
    if (
        any(item.get_closest_marker("gpu") for item in items)
        and not importlib.import_module("torch").cuda.is_available()
    ):
        skip(items, "gpu", "no NVIDIA card, or a torch without CUDA")


def skip(items: list[pytest.Item], mark: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(mark):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def shared_data() -> Path:
    """Folder of the real pictures; for tests marked `shared_data`."""
    return SHARED_DATA
