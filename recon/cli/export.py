"""Leaving Python: ``export``, the network as ONNX."""

from pathlib import Path
from typing import Annotated

import typer

from recon.cli.report import Json, answer

app = typer.Typer()


@app.command()
def export(
    out: Annotated[
        Path, typer.Argument(help="Folder for model.onnx, config.json and the Gaussian.")
    ],
    model: Annotated[
        str | None, typer.Option(help="base (the default), a folder, or owner/name.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the reconstructor's network as ONNX, and prove it equal by running it without torch."""
    import numpy as np

    from dsp import ECGError
    from recon import onnx, weights

    predictor = weights.load(model)
    path = onnx.export(predictor, out)
    runner = onnx.load(out)
    wave = np.cumsum(np.random.default_rng(0).normal(size=(2, 8, 1000)), axis=-1) / 30
    x8 = (wave - wave.mean(axis=-1, keepdims=True)).astype(np.float32)
    apart = 0.0
    for n_samples, given in ((1000, ("I",)), (777, ("I", "II", "V2"))):
        part = x8[..., :n_samples]
        a, b = predictor.predict12(part, given)[0], runner.predict12(part, given)[0]
        apart = max(apart, float(np.abs(a - b).max()))
    if apart > onnx.EQUAL_MV:
        raise ECGError(f"{path} differs from the network by {apart:.2g} mV; do not use it.")
    answer({"written": str(path), "largest difference mV": apart}, as_json=as_json)
