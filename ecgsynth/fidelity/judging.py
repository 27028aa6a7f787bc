"""Judging: all families of measures in one call."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.errors import LengthError
from ecgsynth.fidelity import likeness
from ecgsynth.fidelity.cohort import Cohort, cohort, together
from ecgsynth.fidelity.control import control
from ecgsynth.fidelity.encoding import features, measured
from ecgsynth.fidelity.privacy import privacy
from ecgsynth.fidelity.report import FidelityReport, Finding
from ecgsynth.fidelity.utility import FEWEST, shared_labels, utility

Encoder = Callable[[NDArray[np.float32], float], Any]
"""``encoder(x, fs)``: (n, 12, time) mV, Hz -> (n, d)."""


def fidelity(
    real: Any,
    synthetic: Any,
    *,
    encoder: Encoder | None = None,
    training: Any = None,
    requested: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> FidelityReport:
    """Judge synthetic recordings by real ones, every measure beside what real does to real.

    Constraint: the limb algebra. Distribution: median beats, spectrum, inter-lead correlation,
    texture. Latent: Frechet distance, KID, density and coverage in an encoder's space. Physiology:
    intervals, axis, heart rate and its variability. Control: asked for against found. Utility: what
    a linear probe learns, for labels both sides have. Privacy: copies, shifted in time or scaled,
    and membership inference. Floors and intervals are by patient; compare the column "at its size"
    with the floor, since most distances fall with the number of recordings.

    Parameters
    ----------
    real : recordings the source was not made from: a `dsp.datasets.Dataset`, a sequence of
        `dsp.ECG`, or an object with `signal` (n, 12, time), `fs` and, if known, `labels`, `groups`.
    synthetic : the same; the result of `ecgsynth.simulate` or of a generator, or a batch of an
        archive, as it is.
    encoder : (x (n, 12, time) mV, fs) -> (n, d); signal processing (`features`) if not given.
    training : recordings the source was made from, where known; copies are sought among these,
        else among `real`.
    requested : what was asked of each synthetic recording: heart_rate (bpm), sdnn, pr, p_duration,
        qrs, qt (s); by default ``synthetic.parameters``.
    seed : of halves and folds.

    Returns
    -------
    FidelityReport: `.table`, `.findings`, `.plot()`, `.to_html(path)`, `.to_json(path)`.

    Raises
    ------
    dsp.ECGError
        For signals that cannot be judged: gaps, other than twelve leads, below 5 s, fewer than four.

    Examples
    --------
    >>> import ecgsynth
    >>> one, two = (ecgsynth.simulate(8, fs=100, diagnosis="any", seed=seed) for seed in (1, 2))
    >>> report = fidelity(one, two)
    >>> report["copies"].value, report["limb algebra"].value < 1e-6
    (0.0, True)
    """
    given = [cohort(real), cohort(synthetic)]
    given += [cohort(training)] if training is not None else []
    a, b, *seen = together(*given)
    encode = features if encoder is None else encoder
    z, z_made = (_encoded(encode, c) for c in (a, b))
    real_measured, made_measured = measured(a), measured(b)
    asked = b.parameters if requested is None else requested
    findings = [
        *likeness.constraint(a, b),
        *likeness.distribution(real_measured, made_measured, a.groups, seed),
        *likeness.latent(z, z_made, a.groups, seed),
        *likeness.physiology(real_measured, made_measured, a.groups, seed),
        *control(asked, made_measured.quantities, len(b)),
        *_useful(a, b, z, z_made, seed),
        *(privacy(seen[0], b, a) if seen else privacy(a, b, None)),
    ]
    return FidelityReport(
        findings=tuple(findings),
        encoder=getattr(encode, "__name__", type(encode).__name__),
        missing=tuple(_missing(findings, membership=bool(seen))),
        real=a,
        synthetic=b,
        measured_real=real_measured,
        measured_synthetic=made_measured,
    )


def _encoded(encode: Encoder, c: Cohort) -> NDArray[np.float64]:
    z = np.asarray(encode(c.signal, c.fs), np.float64)
    if z.ndim != 2 or len(z) != len(c):
        raise LengthError(f"the encoder made {z.shape} of {len(c)} recordings; expected (n, d).")
    return z


def _useful(
    a: Cohort, b: Cohort, z: NDArray[np.float64], z_made: NDArray[np.float64], seed: int
) -> Iterator[Finding]:
    for label in shared_labels(a.labels, b.labels):
        yield from utility(label, (z, a.labels, a.groups), (z_made, b.labels), seed)


def _missing(findings: list[Finding], *, membership: bool) -> Iterator[str]:
    families = {finding.family for finding in findings}
    if "control" not in families:
        yield "control: nothing is known of what was asked for; give requested="
    if "utility" not in families:
        yield f"utility: no label that both sides have and lack at least {FEWEST} times"
    if "physiology" not in families:
        yield "physiology: fewer than four patients, or recordings that can be measured"
    if not membership:
        yield "membership inference: give training=, and as real what is not in it"
