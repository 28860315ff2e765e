"""Compare chosen bits with random assignments of equal BOPS, to see if the choice counts.

An EDP follows from how many layers have how many bits; that a scheme keeps accuracy follows from
which layers they are. Sensitivity (Ω, `bfimna.search.sensitivity`) is the measure of the latter
that HAWQ-V3 published.
"""

import numpy as np

from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.search.sensitivity import Sensitivity

DRAWN, SEED = 200_000, 0
TOLERANCE = 0.02  # of the BOPS


def share_as_good(network: Network, sensitivity: Sensitivity, chosen: Precision) -> float:
    """Return the share of random assignments of equal BOPS whose Ω is at most the chosen bits'.

    Each assignment gives every layer that is free one of the two extreme widths of the choice; the
    share of the wider one is drawn anew for each, so that every amount of BOPS occurs. The choice
    itself counts as one of them, so that a share of few assignments is never small.
    """
    bits = dict(zip(chosen.layers, chosen.weight_bits, strict=True))
    macs = dict(zip(network.matmul_names, (m.macs for m in network.matmuls), strict=True))
    free = [layer for layer in chosen.layers if layer not in sensitivity.fixed]
    narrow, wide = min(bits[x] for x in free), max(bits[x] for x in free)
    if narrow == wide:
        return 1.0  # every assignment of equal BOPS is this one
    work = np.array([macs[layer] for layer in free], dtype=float)
    own_bops = float(work @ np.array([bits[layer] ** 2 for layer in free]))
    own_omega = sum(sensitivity.omega(layer, bits[layer]) for layer in free)
    random = np.random.default_rng(SEED)
    widened = random.random((DRAWN, len(free))) < random.random((DRAWN, 1))
    bops = work.sum() * narrow**2 + widened @ (work * (wide**2 - narrow**2))
    equal = np.abs(bops / own_bops - 1) <= TOLERANCE
    omega = sensitivity.table(free, (narrow, wide))
    total = omega[:, 0].sum() + widened[equal] @ (omega[:, 1] - omega[:, 0])
    as_good = total <= own_omega * (1 + 1e-12)
    return float((as_good.sum() + 1) / (len(total) + 1))
