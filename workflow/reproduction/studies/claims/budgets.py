"""Judge the order of EDPs under HAWQ-V3's latency budgets; quote the published accuracies."""

from pathlib import Path

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.cost import uncertainty
from bfimna.cost.sweep import sweep
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.names import load_network, load_technology
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.search.choose import Budget, choose_each
from bfimna.search.sensitivity import Sensitivity
from bfimna.technology.technology import Technology
from reproduction.studies.bit_search import network_and_sensitivity
from reproduction.studies.claims import verdicts
from reproduction.studies.claims.verdicts import MARGIN, Verdict

#: sensitivities, or a file of them; None for HAWQ-V3's published bits
Source = str | Path | Sensitivity | None
BUDGETS = ("high", "medium", "low")
SHARES = (0.75, 0.5, 0.25)  # of the way from INT4's latency to INT8's
SCHEMES = ("int8", *(f"latency-{budget}" for budget in BUDGETS), "int4")


def with_published(points: pd.DataFrame) -> pd.DataFrame:
    """Add HAWQ-V3's published columns to points of one network and technology.

    Adds scheme, size_mb, bops_g (both from the bits), top1_percent (published), and energy, latency
    and EDP relative to int8 (columns ending in ``_rel``, each with ``_low`` and ``_high``: the 5th
    and 95th percentile of ratios whose two sides share their samples).

    Parameters
    ----------
    points : columns of `Report.summary`, on LR, one image.
    """
    network = points.network.iloc[0]
    net = load_network(network)
    accuracy = data.hawq_accuracy(network).set_index("scheme")
    bits = [data.load_precision(net, name) for name in points.precision]
    points = points.assign(
        scheme=points.precision.str.removeprefix("hawq_v3/"),
        size_mb=[p.size_bits(net) / 8 / 2**20 for p in bits],
        bops_g=[p.bops(net) / 1e9 for p in bits],
    )
    points["top1_percent"] = accuracy.top1_percent.reindex(points.scheme).to_numpy()
    base = points.set_index("scheme").loc["int8"]
    tech = load_technology(points.technology.iloc[0])
    if points.supply_v.iloc[0] != tech.supply_v:
        tech = tech.at_supply(float(points.supply_v.iloc[0]))
    placed = plan(net, Chip.limited()).at(bits)
    samples = uncertainty.quantities(placed, tech, 2 * net.macs)
    int8 = list(points.scheme).index("int8")
    for quantity in ("energy_j", "latency_s", "edp_js"):
        name = f"{quantity.rsplit('_', 1)[0]}_rel"
        points[name] = points[quantity] / base[quantity]
        ratios = samples[quantity] / samples[quantity][:, [int8]]
        points[f"{name}_low"], points[f"{name}_high"] = np.percentile(ratios, (5, 95), axis=0)
    return points


def _schemes(
    network: str, technology: Technology, sensitivity: Source
) -> tuple[Network, list[Precision]]:
    """Return HAWQ-V3's published bits, or those that own sensitivities choose.

    The latter minimise sensitivity at the same fractions between INT4's latency and INT8's.
    """
    if sensitivity is None:
        net = load_network(network)
        if network not in data.HAWQ_NAMES:
            raise BfimnaError(
                f"HAWQ-V3 published no bits of {network!r}, only of {', '.join(data.HAWQ_NAMES)}: "
                "give a file of sensitivities"
            )
        return net, [data.load_precision(net, f"hawq_v3/{scheme}") for scheme in SCHEMES]
    net, omega = network_and_sensitivity(network, sensitivity)
    budgets = [Budget("latency_s", fraction=share) for share in SHARES]
    chosen = choose_each(net, omega, budgets, Chip.limited(), technology)
    return net, [Precision.fixed(net, 8), *chosen, Precision.fixed(net, 4)]


def relative_edp(
    network: str, technology: Technology, sensitivity: Source = None
) -> tuple[pd.Series, dict[str, np.ndarray]]:
    """Return the EDP of the latency schemes relative to int4's, and its samples, by scheme.

    The schemes share each sample's parameters, so that common effects cancel out.
    """
    net, bits = _schemes(network, technology, sensitivity)
    edp = sweep(net, bits, [Chip.limited()], [technology]).set_axis(list(SCHEMES)).edp_js
    schedule = plan(net, Chip.limited()).at(bits)
    samples = uncertainty.quantities(schedule, technology, 2 * net.macs)["edp_js"]
    return edp / edp["int4"], {s: samples[:, k] / samples[:, -1] for k, s in enumerate(SCHEMES)}


def compare(
    technology: Technology, network: str = "resnet18", sensitivity: Source = None
) -> dict[str, tuple[Verdict, str]]:
    """Judge both claims about budgets by the order of the EDPs alone; return verdict and reason.

    hawq-high: EDP(high) > EDP(medium) > EDP(low), and EDP(high) > EDP(int4). hawq-low: EDP(low) is
    the closest of the three to int4's. Every step must exceed the margin. The published accuracies
    are quoted, not judged, since they do not come from this model.
    """
    nominal, samples = relative_edp(network, technology, sensitivity)
    high, medium, low = (f"latency-{budget}" for budget in BUDGETS)

    def falls(edp):  # type: ignore[no-untyped-def]
        steps = [edp[a] / edp[b] > 1 + MARGIN for a, b in ((high, medium), (medium, low))]
        return np.all([*steps, edp[high] / edp["int4"] > 1 + MARGIN], axis=0)

    def nearest(edp):  # type: ignore[no-untyped-def]
        far = {scheme: np.abs(edp[scheme] - 1) for scheme in (high, medium, low)}
        return np.all([far[other] - far[low] > MARGIN for other in (high, medium)], axis=0)

    edps = ", ".join(f"{s.removeprefix('latency-')} {nominal[s]:.2f}" for s in (high, medium, low))
    reason = f"{network}: EDP over INT4's {edps}"
    if sensitivity is None:
        accuracy = data.hawq_accuracy(network).set_index("scheme").top1_percent
        quoted = ", ".join(
            f"{scheme.removeprefix('latency-')} {accuracy['int8'] - accuracy[scheme]:.2f}"
            for scheme in (high, medium, low)
        )
        reason += f"; published points below INT8: {quoted}"
    return {
        claim: (verdicts.order(nominal[s], samples[s], bool(rule(nominal)), rule(samples)), reason)
        for claim, s, rule in (("hawq-high", high, falls), ("hawq-low", low, nearest))
    }
