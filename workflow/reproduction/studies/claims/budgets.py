"""Judge the order of EDPs under HAWQ-V3's latency budgets; quote the published accuracies."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

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
from reproduction.studies.claims import assignments, verdicts
from reproduction.studies.claims.designs import BUILT, PAPER, over_supply
from reproduction.studies.claims.verdicts import (
    MARGIN,
    NOT,
    REPRODUCED,
    STUDIES,
    VERDICTS,
    Power,
    Verdict,
)

#: sensitivities, or a file of them; None for HAWQ-V3's published bits
Source = str | Path | Sensitivity | None
BUDGETS = ("high", "medium", "low")
SHARES = (0.75, 0.5, 0.25)  # of the way from INT4's latency to INT8's
HIGH, MEDIUM, LOW = (f"latency-{budget}" for budget in BUDGETS)
SCHEMES = ("int8", HIGH, MEDIUM, LOW, "int4")
#: EDP by scheme: nominal, or samples of it
EDPs = Mapping[str, Any]


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
    chosen = choose_each(net, omega, budgets, PAPER, technology)
    return net, [Precision.fixed(net, 8), *chosen, Precision.fixed(net, 4)]


def relative_edp(
    bits: Sequence[Precision], network: Network, technology: Technology, chip: Chip = PAPER
) -> tuple[pd.Series, dict[str, np.ndarray]]:
    """Return the EDP of the schemes relative to int4's, and its samples, by scheme.

    The schemes share each sample's parameters, so that common effects cancel out.
    """
    edp = sweep(network, list(bits), [chip], [technology]).set_axis(list(SCHEMES)).edp_js
    schedule = plan(network, chip).at(list(bits))
    samples = uncertainty.quantities(schedule, technology, 2 * network.macs)["edp_js"]
    return edp / edp["int4"], {s: samples[:, k] / samples[:, -1] for k, s in enumerate(SCHEMES)}


def falls(edp: EDPs) -> np.ndarray:
    """Whether EDP falls from the high budget to the low one, the high one's above INT4's."""
    steps = [edp[HIGH] / edp[MEDIUM], edp[MEDIUM] / edp[LOW], edp[HIGH] / edp["int4"]]
    return np.all([step > 1 + MARGIN for step in steps], axis=0)


def nearest(edp: EDPs) -> np.ndarray:
    """Whether the low budget's EDP is the closest of the three to INT4's."""
    far = {scheme: np.abs(edp[scheme] / edp["int4"] - 1) for scheme in (HIGH, MEDIUM, LOW)}
    return np.all([far[other] - far[LOW] > MARGIN for other in (HIGH, MEDIUM)], axis=0)


#: claim → its order, and the scheme whose EDP is shown
ORDERS: dict[str, tuple[Callable[[EDPs], np.ndarray], str]] = {
    "hawq-high": (falls, HIGH),
    "hawq-low": (nearest, LOW),
}


def power(rule: Callable[[EDPs], np.ndarray], samples: EDPs) -> Power:
    """Simulate how often the rule of an order errs, on the samples of one design.

    In each study the figures are those of one sample, and the samples spread about them as ours do
    about their medians. Of a true claim the budgets are in the claimed order, of a false one the
    high and the low one are exchanged.
    """
    median = {s: np.median(x) for s, x in samples.items()}
    swapped = {HIGH: LOW, LOW: HIGH}

    def studies(of: Mapping[str, str]) -> np.ndarray:
        """Return the verdicts of studies in which each scheme has the EDP of another."""
        judged = []
        for study in range(STUDIES):
            figures = {s: samples[of[s]][study] for s in SCHEMES}
            spread = {s: figures[s] * samples[of[s]] / median[of[s]] for s in SCHEMES}
            judged.append(verdicts.order(bool(rule(figures)), rule(spread)))
        return np.array(judged)

    true = studies({s: s for s in SCHEMES})
    false = studies({s: swapped.get(s, s) for s in SCHEMES})
    return Power(
        float((true == REPRODUCED).mean()),
        float((true != NOT).mean()),
        float((false == NOT).mean()),
    )


def compare(
    technologies: Sequence[Technology], network: str = "resnet18", sensitivity: Source = None
) -> dict[str, Verdict]:
    """Judge both claims about budgets, on every technology at every supply.

    hawq-high: EDP(high) > EDP(medium) > EDP(low), and EDP(high) > EDP(int4). hawq-low: EDP(low) is
    the closest of the three to int4's. Every step must exceed the margin. The bits themselves must
    be a choice (`assignments.share_as_good`). The published accuracies are quoted, not judged,
    since they do not come from this model.
    """
    net, bits = _schemes(network, technologies[0], sensitivity)
    _, omega = network_and_sensitivity(network, sensitivity)
    by_scheme = dict(zip(SCHEMES, bits, strict=True))
    shares = {
        scheme: assignments.share_as_good(net, omega, by_scheme[scheme])
        for scheme in (HIGH, MEDIUM, LOW)
    }
    chosen = all(share <= 1 - verdicts.SURE for share in shares.values())
    designs = [at for technology in technologies for at in over_supply(technology)]
    found = [(at, *relative_edp(bits, net, at)) for at in designs]
    quoted = _quoted(network, bits, net, technologies[0], shares, sensitivity)
    return {claim: _judged(claim, found, chosen, quoted) for claim in ORDERS}


def _judged(
    claim: str, designs: Sequence[tuple[Technology, pd.Series, EDPs]], chosen: bool, quoted: str
) -> Verdict:
    """Judge an order by the design on which it holds least."""
    rule, scheme = ORDERS[claim]

    def rank(design: tuple[Technology, pd.Series, EDPs]) -> tuple[int, float, float]:
        _, nominal, samples = design
        verdict = verdicts.order(bool(rule(nominal)), rule(samples))
        return -VERDICTS.index(verdict), float(rule(samples).mean()), abs(nominal[scheme] - 1)

    technology, nominal, samples = min(designs, key=rank)
    verdict = verdicts.order(bool(rule(nominal)), rule(samples)) if chosen else NOT
    edps = ", ".join(f"{s.removeprefix('latency-')} {nominal[s]:.2f}" for s in (HIGH, MEDIUM, LOW))
    low, high = (float(x) for x in np.percentile(samples[scheme], (5, 95)))
    holds = sum(bool(rule(edp)) for _, edp, _ in designs)
    return Verdict(
        verdict,
        f"in this order on {holds} of {len(designs)} designs; on the least certain one EDP over "
        f"INT4's {edps}; {quoted}",
        "EDP over INT4's",
        float(nominal[scheme]),
        low=low, high=high, probability=float(rule(samples).mean()),
        technology=technology.name, supply_v=technology.supply_v,
        power=power(rule, samples),
    )  # fmt: skip


def _quoted(
    network: str,
    bits: Sequence[Precision],
    net: Network,
    technology: Technology,
    shares: Mapping[str, float],
    sensitivity: Source,
) -> str:
    """Return what stands beside both verdicts: the choice of bits, the built chip, accuracies."""
    edp, _ = relative_edp(bits, net, technology, BUILT)
    built = ", ".join(f"{s.removeprefix('latency-')} {edp[s]:.2f}" for s in (HIGH, MEDIUM, LOW))
    chance = ", ".join(
        f"{s.removeprefix('latency-')} {100 * share:.2g} %" for s, share in shares.items()
    )
    text = (
        f"of random bits of equal BOPS as low in sensitivity: {chance}; on the chip as built "
        f"({technology.name}) {built}"
    )
    if sensitivity is not None:
        return text
    accuracy = data.hawq_accuracy(network).set_index("scheme").top1_percent
    lost = ", ".join(
        f"{s.removeprefix('latency-')} {accuracy['int8'] - accuracy[s]:.2f}"
        for s in (HIGH, MEDIUM, LOW)
    )
    return f"{text}; published points below INT8: {lost}"
