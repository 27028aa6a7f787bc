"""The exported network: equal to the network, for any batch and length, without torch."""

import json
import subprocess
import sys

import numpy as np
import pytest

import dsp
import recon
from recon import onnx, weights

WITHOUT_TORCH = """
import sys
import numpy as np
from recon import onnx
found = onnx.load(sys.argv[1]).predict12(np.load(sys.argv[2]), ("I", "V2"))
np.save(sys.argv[3], np.stack(found))
assert "torch" not in sys.modules, "torch was imported"
"""


@pytest.mark.slow
def test_the_command_proves_it_equal_and_it_runs_without_torch(tmp_path):
    home = tmp_path / "exported"
    command = [sys.executable, "-m", "recon.cli", "export", str(home), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["largest difference mV"] <= onnx.EQUAL_MV
    rng = np.random.default_rng(0)
    for k, (n, n_samples) in enumerate([(1, 1000), (5, 333), (2, 1024)]):
        x8 = (np.cumsum(rng.normal(size=(n, 8, n_samples)), axis=-1) / 30).astype("f4")
        given, out = tmp_path / f"x{k}.npy", tmp_path / f"y{k}.npy"
        np.save(given, x8)
        subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, str(home), str(given), str(out)], check=True
        )
        mean, variance = np.load(out)
        expected, spread = weights.load().predict12(x8, ("I", "V2"))
        np.testing.assert_allclose(mean, expected, atol=onnx.EQUAL_MV)
        np.testing.assert_allclose(np.sqrt(variance), np.sqrt(spread), rtol=1e-3, atol=1e-3)


def test_what_cannot_be_exported(tmp_path):
    with pytest.raises(dsp.ECGError, match="this predictor has none"):
        onnx.export(recon.Reconstructor.from_pretrained("gaussian").predictor, tmp_path)
    with pytest.raises(dsp.ECGError, match="holds no exported model"):
        onnx.load(tmp_path / "nowhere")
