"""What all tests share: where the real recordings are, and quiet, reproducible settings."""

import importlib.util
import os
import sys
from pathlib import Path

import matplotlib
import pytest
from hypothesis import settings

matplotlib.use("Agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("ci")

# Tests import these by name. No folder is put on the path for that: what is tested is what is
# installed, not what lies beside the tests.
for name in ("strategies", "contracts"):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("EINTHOVEN_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings, or a skip that says where it should be."""
    if not (DATA / "ludb").is_dir():
        pytest.skip(f"no recordings in {DATA}; set EINTHOVEN_DATA to the folder that holds ludb/")
    return DATA
