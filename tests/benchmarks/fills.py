"""Fills: twelve leads made of a few, for an encoder that knows twelve only; what every table of latents has."""

import numpy as np

from dsp import leads
from recon import population
from recon.gaussian import Gaussian
from recon.reconstructor import Reconstructor

ROWS = [leads.TWELVE.index(lead) for lead in leads.EIGHT]


def zeros(x8, given):
    """(n, 8, time) whose hidden leads are 0 mV."""
    return x8 * np.isin(leads.EIGHT, given)[:, None].astype(np.float32)


def gaussian(learned):
    """The fill of a Gaussian of (n, 8, time): from (m, 8, time) and the leads given to (m, 8, time)."""
    model = Reconstructor(Gaussian.fit(np.stack([population.known_by([x]) for x in learned])))

    def fill(x8, given):
        rows = [leads.TWELVE.index(lead) for lead in given]
        seen = leads.twelve(x8)[:, rows]
        guess = [model.estimate(x, population.FS, given)[0][ROWS] for x in seen]
        return np.stack(guess).astype(np.float32)

    return fill
