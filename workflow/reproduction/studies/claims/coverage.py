"""Judge the end-to-end claim: networks simulated, and networks run bit-exact on the emulator."""

from collections.abc import Sequence
from math import isclose
from typing import Any

import numpy as np
import pandas as pd

from bfimna.cost.sweep import sweep
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.names import load_network, load_precision, load_technology
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology
from reproduction.studies.claims import verdicts
from reproduction.studies.claims.verdicts import Verdict
from reproduction.studies.emulated import expected_array_energy

NETWORKS = ("alexnet", "vgg16", "resnet50")
BITS = (2, 4, 8)
SUPPLIES_V = (0.6, 0.8, 1.0)


def compare(technology: Technology, emulated: pd.DataFrame | None) -> tuple[Verdict, str]:
    """Judge the claim: every combination simulated, and every network run bit-exact.

    A combination counts if its EDP is above that of fewer bits and its latency below that of a
    lower supply.

    Parameters
    ----------
    emulated : table of whole inferences on the emulator (`reproduction.studies.emulated`), as
        `make emulate` writes it; None if there is none. Rows of an earlier model, whose expected
        array energy has changed since, do not count.

    "Coverage" where all combinations were simulated, but not all networks run bit-exact.
    """
    supplies = [technology.at_supply(v) for v in SUPPLIES_V]
    simulated, combinations = 0, 0
    for name in NETWORKS:
        net = load_network(name)
        bits = [Precision.fixed(net, width) for width in BITS]
        points = sweep(net, bits, [Chip.limited()], supplies)
        edp, latency = (
            points[name].to_numpy().reshape(len(SUPPLIES_V), -1) for name in ("edp_js", "latency_s")
        )
        combinations += edp.size
        grows = np.isfinite(edp) & (np.diff(edp, prepend=0) > 0)
        falls = np.diff(latency, axis=0, prepend=np.inf) < 0
        simulated += int((grows & falls).sum())
    exact = _exact(emulated)
    pairs = len(NETWORKS) * len(BITS)
    reason = (
        f"{simulated} of {combinations} combinations of network, precision and supply simulated, "
        f"EDP growing with the bits and latency falling with the supply; {exact} of {pairs} of "
        "network and precision run bit-exact"
    )
    share = simulated / combinations
    if simulated < combinations:
        verdict = verdicts.NOT
    else:
        verdict = verdicts.REPRODUCED if exact == pairs else verdicts.COVERAGE
    return Verdict(verdict, share, share, share, exact / pairs), reason


def _exact(emulated: pd.DataFrame | None, networks: Sequence[str] = NETWORKS) -> int:
    if emulated is None:
        return 0
    exact = emulated[emulated.exact & emulated.counts_equal]
    pairs = {(name, f"int{bits}") for name in networks for bits in BITS}
    return len({
        (row.network, row.precision)
        for row in exact.itertuples()
        if (row.network, row.precision) in pairs and _of_this_model(row)
    })  # fmt: skip


def _of_this_model(row: Any) -> bool:
    """Whether the current model expects the energy in the table."""
    net = load_network(row.network)
    precision = load_precision(net, row.precision)
    placed = plan(net, Chip.limited(), batch=row.images).at(precision)
    expected = expected_array_energy(placed, load_technology(row.technology)) / row.images
    return isclose(expected, row.expected_array_energy_j, rel_tol=1e-6)  # seven digits are written
