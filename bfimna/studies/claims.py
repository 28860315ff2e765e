"""The paper's claims, each checked against our own figures by a stated rule.

Rules. A claimed ratio is *reproduced* if ours lies within 10 % of it, in the *same direction* if
both lie on the same side of 1, else *not reproduced*. A claimed ordering is *reproduced* if all its
parts hold, in the *same direction* if some do, else *not reproduced*. Model document, section 4.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.chip.chip import Chip
from bfimna.network import zoo
from bfimna.network.precision import MAX_BITS, Precision
from bfimna.result import cost
from bfimna.result.peak import peak
from bfimna.result.simulate import simulate
from bfimna.result.sweep import sweep
from bfimna.technology.technology import Technology

TOLERANCE = 0.10
#: claim → quantity, published rival, and the ratio to it that the abstract states
RATIOS = {row.claim: (row.quantity, row.rival, row.ratio) for row in data.claims().itertuples()}
TEXTS = {
    "bit-fluidity": "mixed precision, static and dynamic, without reconfiguration at run time",
    "hawq-high": "high latency budget: accuracy closest to INT8, EDP above INT4",
    "hawq-low": "low latency budget: EDP closest to INT4, larger loss of accuracy against INT8",
    "throughput": "2 % higher throughput than the state of the art at 16 bits",
    "efficiency": "20 % higher energy efficiency than the state of the art at 16 bits",
    "end-to-end": "AlexNet, VGG16, ResNet50 by technology, precision and voltage",
}
COLUMNS = [
    "claim",
    "text",
    "technology",
    "quantity",
    "claimed",
    "ours",
    "ratio",
    "verdict",
    "reason",
]


def verdict_of_ratio(claimed: float, ours: float) -> str:
    """Judge a claimed ratio.

    >>> verdict_of_ratio(1.02, 1.08), verdict_of_ratio(1.2, 2.3), verdict_of_ratio(1.2, 0.8)
    ('reproduced', 'same direction', 'not reproduced')
    """
    if abs(ours / claimed - 1) <= TOLERANCE:
        return "reproduced"
    return "same direction" if (ours > 1) == (claimed > 1) else "not reproduced"


def verdict_of_parts(parts: Sequence[bool]) -> str:
    """Judge a claimed ordering by its parts.

    >>> verdict_of_parts([True, True]), verdict_of_parts([True, False])
    ('reproduced', 'same direction')
    """
    return "reproduced" if all(parts) else "same direction" if any(parts) else "not reproduced"


def check(technologies: Sequence[str], network: str = "resnet18") -> pd.DataFrame:
    """Check every claim for every technology; one row each."""
    rows = []
    for name in technologies:
        tech = data.load_technology(name)
        rows += [
            _fluidity(tech),
            *_hawq(tech, network),
            *(_ratio(claim, tech) for claim in RATIOS),
            _end_to_end(tech),
        ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = {claim: n for n, claim in enumerate(TEXTS)}
    return table.sort_values("claim", key=lambda c: c.map(order), kind="stable", ignore_index=True)


def _row(claim, tech, quantity, claimed, ours, verdict, reason):  # type: ignore[no-untyped-def]
    ratio = ours / claimed if claimed else np.nan
    return [claim, TEXTS[claim], tech.name, quantity, claimed, ours, ratio, verdict, reason]


def _fluidity(tech: Technology) -> list[object]:
    """Run precisions that change at every inference on one chip, which must stay the same."""
    net, chip = zoo.resnet18(), Chip.limited()
    rising = [Precision.fixed(net, bits) for bits in range(1, MAX_BITS + 1)]
    mixed = [Precision.mixed(net, bits) for bits in (2, 4, 8)]
    reports = [simulate(net, precision, chip, tech) for precision in (*rising, *mixed)]
    served = sum(report.chip == chip for report in reports)
    areas = {report.area_m2 for report in reports}
    parts = [served == len(reports), len(areas) == 1]
    reason = (
        f"the same {chip.columns} columns serve {served} of {len(reports)} precisions; a width is "
        "a loop count of the same passes, so a switch has no program of its own and no cycle"
    )
    return _row("bit-fluidity", tech, "precisions served", len(reports), served,
                verdict_of_parts(parts), reason)  # fmt: skip


def with_published(points: pd.DataFrame) -> pd.DataFrame:
    """Add what HAWQ-V3 published to points of one network and technology.

    Adds scheme, size_mb, bops_g (both from the bits), top1_percent (published), and energy, latency
    and EDP relative to int8 (columns ending in ``_rel``).
    """
    network = points.network.iloc[0]
    net = zoo.load(network)
    accuracy = data.hawq_accuracy(network).set_index("scheme")
    bits = [data.load_precision(net, name) for name in points.precision]
    points = points.assign(
        scheme=points.precision.str.removeprefix("hawq_v3/"),
        size_mb=[p.size_bits(net) / 8 / 2**20 for p in bits],
        bops_g=[p.bops(net) / 1e9 for p in bits],
    )
    points["top1_percent"] = accuracy.top1_percent.reindex(points.scheme).to_numpy()
    base = points.set_index("scheme").loc["int8"]
    for quantity in ("energy_j", "latency_s", "edp_js"):
        points[f"{quantity.rsplit('_', 1)[0]}_rel"] = points[quantity] / base[quantity]
    return points


def _hawq(tech: Technology, network: str) -> list[list[object]]:
    net = zoo.load(network)
    schemes = [data.load_precision(net, name) for name in data.hawq_schemes(network)]
    points = with_published(sweep(net, schemes, [Chip.limited()], [tech])).set_index("scheme")
    high, medium, low = (points.loc[f"latency-{b}"] for b in ("high", "medium", "low"))
    int8, int4 = points.loc["int8"], points.loc["int4"]
    loss = {n: int8.top1_percent - p.top1_percent for n, p in
            (("high", high), ("medium", medium), ("low", low))}  # fmt: skip
    above = high.edp_js / int4.edp_js
    first = [loss["high"] == min(loss.values()), above > 1]
    near = low.edp_js / int4.edp_js
    closest = min(abs(p.edp_js / int4.edp_js - 1) for p in (high, medium, low))
    second = [abs(near - 1) == closest, loss["low"] == max(loss.values())]
    return [
        _row("hawq-high", tech, "EDP over INT4's", 1.0, above, verdict_of_parts(first),
             f"{network}: {loss['high']:.2f} points below INT8 (medium {loss['medium']:.2f}, "
             f"low {loss['low']:.2f}); EDP {above:.2f} × INT4"),
        _row("hawq-low", tech, "EDP over INT4's", 1.0, near, verdict_of_parts(second),
             f"{network}: EDP {near:.2f} × INT4 (medium {medium.edp_js / int4.edp_js:.2f}, high "
             f"{above:.2f}); {loss['low']:.2f} points below INT8"),
    ]  # fmt: skip


def _ratio(claim: str, tech: Technology) -> list[object]:
    quantity, rival, claimed = RATIOS[claim]
    published = data.accelerators().set_index(["accelerator", "bits"]).loc[(rival, 16), quantity]
    best = peak(16, Chip.limited(), tech)
    if claim == "throughput":
        ours = best.throughput_ops / 1e9 / published
        (own_pass, own_move), (fit_pass, fit_move) = (
            _pass_and_move(t) for t in (tech, data.load_technology("sram-published-fit"))
        )
        reason = (
            f"a pass takes {own_pass:.2f} ns, a column moved {own_move:.2f} ns; the published fit "
            f"has {fit_pass:.2f} and {fit_move:.2f} ns"
        )
    else:
        ours = best.efficiency_ops_per_w / 1e9 / published
        joules = 2 / best.efficiency_ops_per_w
        leaked = cost.leakage_power(Chip.limited(), tech) / best.power_w
        reason = f"{joules * 1e12:.1f} pJ a MAC, {100 * leaked:.0f} % of the power leaks"
    return _row(
        claim, tech, f"ratio to {rival}", claimed, ours, verdict_of_ratio(claimed, ours), reason
    )


def _pass_and_move(tech: Technology) -> tuple[float, float]:
    """Return nanoseconds of a pass and of a column load on LR."""
    seconds = cost.seconds_of(tech, Chip.limited().columns)
    return 1e9 * (seconds["compares"] + seconds["writes"]), 1e9 * seconds["loads"]


def _end_to_end(tech: Technology) -> list[object]:
    chip, done, wanted = Chip.limited(), 0, 0
    supplies = [tech.at_supply(v) for v in (0.6, 0.8, 1.0)]
    for name in ("alexnet", "vgg16", "resnet50"):
        net = zoo.load(name)
        points = sweep(net, [Precision.fixed(net, b) for b in (2, 4, 8, 16)], [chip], supplies)
        edp = points.edp_js.to_numpy().reshape(len(supplies), -1)
        wanted += edp.size
        done += int(np.isfinite(edp).sum()) if (np.diff(edp, axis=1) > 0).all() else 0
    reason = "every combination simulated whole; EDP grows with the bits in each"
    return _row("end-to-end", tech, "combinations", wanted, done,
                verdict_of_parts([done == wanted]), reason)  # fmt: skip
