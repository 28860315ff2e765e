"""Judge the end-to-end claim: networks simulated, and networks run bit-exact on the emulator."""

from collections.abc import Sequence
from dataclasses import replace
from math import isclose
from typing import Any

import numpy as np
import pandas as pd

from bfimna.cost import formulas
from bfimna.cost.sweep import sweep
from bfimna.cost.totals import event_totals
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.names import load_network, load_technology
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.prices import EVENT_PRICES
from bfimna.technology.technology import Technology
from reproduction.runs import MIXED
from reproduction.studies.claims import verdicts
from reproduction.studies.claims.designs import PAPER, over_supply
from reproduction.studies.claims.verdicts import Verdict
from reproduction.studies.emulated import expected_array_energy, precision_of

NETWORKS = ("alexnet", "vgg16", "resnet50")
PRECISIONS = ("int2", "int4", MIXED, "int8")  # from the least to the most EDP
WRITES = ("write_", "load_")
EQUAL = 1e-9


def compare(technologies: Sequence[Technology], emulated: pd.DataFrame | None) -> Verdict:
    """Judge the claim: every combination simulated, and every network run bit-exact.

    A combination of technology, network, precision and supply counts if its EDP is above that of
    fewer bits (of mixed bits: between those of their least and greatest width), its latency below
    that of a lower supply, and its energy that of the nominal supply under the law of
    `energy_by_law`.

    Parameters
    ----------
    emulated : table of whole inferences on the emulator (`reproduction.studies.emulated`), as
        `make emulate` writes it; None if there is none. Rows of an earlier model, whose expected
        array energy has changed since, do not count.

    "Coverage" where all combinations were simulated, but not all networks run bit-exact.
    """
    holds = np.concatenate([
        _simulated(load_network(name), technology)
        for name in NETWORKS for technology in technologies
    ])  # fmt: skip
    exact, pairs = _exact(emulated), len(NETWORKS) * len(PRECISIONS)
    reason = (
        f"{holds.sum()} of {holds.size} combinations of network, precision, technology and supply "
        "simulated, EDP growing with the bits, latency falling with the supply, and energy "
        f"following its square; {exact} of {pairs} of network and precision run bit-exact"
    )
    if not holds.all():
        verdict = verdicts.NOT
    else:
        verdict = verdicts.REPRODUCED if exact == pairs else verdicts.COVERAGE
    return Verdict(
        verdict, reason, "share simulated", float(holds.mean()), probability=exact / pairs
    )


def _simulated(network: Network, technology: Technology) -> np.ndarray:
    """Whether each combination holds, of all supplies and precisions."""
    supplies = over_supply(technology)
    bits = [precision_of(network, name) for name in PRECISIONS]
    points = sweep(network, bits, [PAPER], supplies)
    energy, latency, edp = (
        points[name].to_numpy().reshape(len(supplies), -1)
        for name in ("energy_j", "latency_s", "edp_js")
    )
    grows = np.isfinite(edp) & (np.diff(edp, prepend=0) > 0)
    falls = np.diff(latency, axis=0, prepend=np.inf) < 0
    law = energy_by_law(network, bits, technology, [t.supply_v for t in supplies], latency)
    return (grows & falls & (np.abs(energy / law - 1) < EQUAL)).ravel()


def energy_by_law(
    network: Network,
    bits: Sequence[Precision],
    technology: Technology,
    supplies_v: Sequence[float],
    latency: np.ndarray,
) -> np.ndarray:
    """Return the energy at other supplies from that at the nominal one, in J.

    Logic ∝ V², writes ∝ V² in a volatile cell and unchanged in one whose device sets them, leakage
    power ∝ V^n over the latency, with the technology's own n, traffic unchanged.

    Parameters
    ----------
    latency : seconds, shape (supplies, precisions).

    Returns
    -------
    float array of the same shape.
    """
    energies = [name for name in EVENT_PRICES if "_j_per_" in name]
    logic = {name: 0.0 for name in energies if not name.startswith(WRITES)}
    writes = {name: 0.0 for name in energies if name.startswith(WRITES)}
    totals = event_totals(plan(network, PAPER).at(list(bits)))

    def joules(free: dict[str, Any]) -> np.ndarray:
        return np.asarray(totals.joules(replace(technology, **free), 0.0))

    moved, all_events = joules({**logic, **writes}), joules({})
    of_writes = joules(logic) - moved
    of_logic = all_events - moved - of_writes
    relative = np.array(supplies_v)[:, None] / technology.supply_v
    scaled_writes = of_writes * (relative**2 if technology.write_scales else 1.0)
    leaking = relative**technology.leakage_exponent
    leaked = formulas.leakage_power(PAPER, technology) * leaking * latency
    return moved + of_logic * relative**2 + scaled_writes + leaked


def _exact(emulated: pd.DataFrame | None, networks: Sequence[str] = NETWORKS) -> int:
    if emulated is None:
        return 0
    exact = emulated[emulated.exact & emulated.counts_equal]
    pairs = {(name, bits) for name in networks for bits in PRECISIONS}
    return len({
        (row.network, row.precision)
        for row in exact.itertuples()
        if (row.network, row.precision) in pairs and _of_this_model(row)
    })  # fmt: skip


def _of_this_model(row: Any) -> bool:
    """Whether the current model expects the energy in the table."""
    net = load_network(row.network)
    precision = precision_of(net, row.precision)
    placed = plan(net, Chip.limited(), batch=row.images).at(precision)
    expected = expected_array_energy(placed, load_technology(row.technology)) / row.images
    return isclose(expected, row.expected_array_energy_j, rel_tol=1e-6)  # seven digits are written
