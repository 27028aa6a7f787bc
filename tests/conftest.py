"""What all tests share: where the real recordings are, and quiet, reproducible settings."""

import os
from pathlib import Path

import matplotlib
import pytest
from hypothesis import settings

matplotlib.use("Agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("ci")

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("EINTHOVEN_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings, or a skip that says where it should be."""
    if not (DATA / "ludb").is_dir():
        pytest.skip(f"no recordings in {DATA}; set EINTHOVEN_DATA to the folder that holds ludb/")
    return DATA
