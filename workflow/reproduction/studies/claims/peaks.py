"""Judge the claimed ratios of peak throughput and efficiency, over technologies and supplies.

A peak counts only if it is what the emulator's counts of its program cost: two operations a row,
both of them carried out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bfimna import data
from bfimna.ap import programs
from bfimna.ap.arguments import lay_out
from bfimna.ap.array import Array
from bfimna.ap.events import Counts
from bfimna.cost import formulas
from bfimna.cost.peak import Peak, peak
from bfimna.cost.uncertainty import peak_samples
from bfimna.errors import BfimnaError
from bfimna.technology.technology import Technology
from reproduction.studies.claims import verdicts
from reproduction.studies.claims.designs import BUILT, PAPER, over_supply
from reproduction.studies.claims.verdicts import NOT, Verdict

GIGA = 1e9
#: claim → our quantity, in the order of a design's ratios
OURS = {"throughput": "throughput_ops", "efficiency": "efficiency_ops_per_w"}
CLAIMS = (*OURS, "both")
ROWS = 2**14  # of the emulated peak: random words, whose energy is within 1 % of the expectation
OPERATIONS = 2  # a row multiplies and adds
ENERGY_TOLERANCE, TIME_TOLERANCE = 0.01, 1e-9


@dataclass(frozen=True)
class Target:
    """A published figure and the claimed ratio to it."""

    claim: str
    rival: str
    bits: int
    figure: float  # of the rival, in OPS or OPS/W
    ratio: float


@dataclass(frozen=True)
class Design:
    """A technology at a supply, at its peak on the chip that the paper assumes.

    Attributes
    ----------
    technology : at the supply.
    peak : nominal.
    built : the same of the chip as built, within the limits of power density and current.
    ratios : to the rivals' figures, shape (2,), in the order of `OURS`.
    draws : samples of the ratios, shape (2, draws).
    unexplained : shares of the peak's time and energy that the emulator's counts do not explain.
    """

    technology: Technology
    peak: Peak
    built: Peak
    ratios: np.ndarray
    draws: np.ndarray
    unexplained: tuple[float, float]

    @property
    def gops_per_mm2(self) -> float:
        """Peak throughput by area."""
        return self.peak.throughput_ops / GIGA / (self.peak.area_m2 * 1e6)

    @property
    def explained(self) -> bool:
        """Whether the emulator's counts explain the peak."""
        seconds, joules = self.unexplained
        return seconds <= TIME_TOLERANCE and joules <= ENERGY_TOLERANCE


def targets() -> tuple[Target, Target]:
    """Return what throughput and efficiency are claimed to exceed, and by what ratio."""
    claims, accelerators = data.claims().set_index("claim"), data.accelerators()
    named = []
    for claim in OURS:
        row = claims.loc[claim]
        same = (accelerators.accelerator == row.rival) & (accelerators.bits == row.bits)
        figures = accelerators.loc[same, row.quantity].dropna()
        if figures.empty:
            raise BfimnaError(f"no {row.quantity} of {row.rival} at {row.bits:g} bits")
        figure = float(figures.max()) * GIGA  # a rival with two published figures: the better one
        named.append(Target(claim, row.rival, int(row.bits), figure, float(row.ratio)))
    return named[0], named[1]


@lru_cache
def emulated(bits: int) -> tuple[Counts, bool]:
    """Run the peak's program on random words; return its counts a row, and if all is right.

    Every row loads two words, multiplies them, adds one to the product's low half and reads it. The
    array is new, its cells clear: the paper charges no clears, and the peak has none.
    """
    random = np.random.default_rng(0)
    a, b = random.integers(0, 2**bits, (2, ROWS))
    left, right, product, carry = lay_out("peak", bits, bits, 2 * bits, 1)
    low = product[:bits]
    array = Array(ROWS, columns=PAPER.columns)
    array.load(a, left)
    array.load(b, right)
    array.run(programs.multiply(left, right, product))
    array.run(programs.add(left, low, carry.start))
    result = array.read(product).ravel()
    whole = a * b
    expected = whole - whole % 2**bits + (whole + a) % 2**bits
    per_row = {
        event: amount if event in ("compares", "writes", "loads", "reads", "shifts") else
        amount / ROWS for event, amount in array.counts.amounts.items()
    }  # fmt: skip
    return Counts(**per_row), bool((result == expected).all())


def unexplained(best: Peak, bits: int, technology: Technology) -> tuple[float, float]:
    """Return shares of a peak's time and energy that the emulator's counts do not explain.

    The energy depends on the words, so it is compared with that of random ones.
    """
    counts, right = emulated(bits)
    operations = OPERATIONS * PAPER.product_rows * right
    seconds = float(formulas.latency(counts, technology, PAPER))
    joules = float(formulas.energy(counts.over(PAPER.product_rows), technology, PAPER))
    joules += float(formulas.leakage_power(PAPER, technology)) * seconds
    return (
        abs(operations / seconds / best.throughput_ops - 1),
        abs(operations / joules / best.efficiency_ops_per_w - 1),
    )


def designs(technologies: Sequence[Technology]) -> list[Design]:
    """Return the peaks of every technology at every supply, against the rivals' figures."""
    throughput, efficiency = targets()
    if throughput.bits != efficiency.bits:
        raise BfimnaError("both claimed ratios must be at the same width")
    bits, points = throughput.bits, []
    for technology in technologies:
        for at in over_supply(technology):
            best, samples = peak(bits, PAPER, at), peak_samples(bits, PAPER, at)
            rivals = np.array([throughput.figure, efficiency.figure])
            nominal = np.array([getattr(best, name) for name in OURS.values()])
            draws = np.array([getattr(samples, name) for name in OURS.values()])
            missing = unexplained(best, bits, at)
            built = peak(bits, BUILT, at)
            points.append(
                Design(at, best, built, nominal / rivals, draws / rivals[:, None], missing)
            )
    return points


def compare(every: Sequence[Design]) -> dict[str, Verdict]:
    """Judge throughput, efficiency and both together by the design most favourable to each."""
    claims, named = {}, targets()
    for claim in CLAIMS:
        which = [n for n, target in enumerate(named) if claim in (target.claim, "both")]
        claimed = np.array([named[n].ratio for n in which])
        draws = [design.draws[which] for design in every]
        best, judged = verdicts.most_favourable(claimed, draws)
        design = every[best]
        explained = all(design.explained for design in every)
        product = draws[best].prod(axis=0)
        low, high = (float(x) for x in np.percentile(product, (5, 95)))
        rivals = " and ".join(named[n].rival for n in which)
        claims[claim] = Verdict(
            judged.verdict if explained else NOT,
            _reason(claim, design, every, judged, explained),
            f"{'product of the ratios' if claim == 'both' else 'ratio'} to {rivals}",
            float(design.ratios[which].prod()),
            float(claimed.prod()), low, high,
            "agrees" if judged.agrees else "differs", judged.direction, judged.probability,
            design.technology.name, design.technology.supply_v,
            verdicts.power(claimed, draws, best),
        )  # fmt: skip
    return claims


def _reason(
    claim: str, design: Design, every: Sequence[Design], judged: verdicts.Judged, explained: bool
) -> str:
    """Return the figures behind a verdict."""
    if not explained:
        worst = np.max([d.unexplained for d in every], axis=0)
        return (
            "the emulator's counts of the peak's program do not explain "
            f"{100 * worst[0]:.3g} % of its time and {100 * worst[1]:.3g} % of its energy"
        )
    rates = design.peak.throughput_ops / GIGA, design.peak.efficiency_ops_per_w / GIGA
    named = {target.claim: target for target in targets()}
    reason = (
        f"{rates[0]:.0f} GOPS and {rates[1]:.1f} GOPS/W; {100 * judged.agreement:.1f} % of the "
        f"samples lie beyond the claimed value, {100 * judged.probability:.0f} % above 1"
    )
    if claim != "both":
        own = per_area(named[claim].rival)
        beside = f" against {named[claim].rival}'s {own:.0f}" if own else ""
        target = named[claim]
        built = getattr(design.built, OURS[claim]) / target.figure
        return (
            f"{reason}; within the limits of power density and current {built:.2f} × "
            f"{target.rival}; {design.gops_per_mm2:.0f} GOPS/mm²{beside}"
        )
    products = [float(d.ratios.prod()) for d in every]
    return (
        f"{reason}; nominally both rivals are beaten by {sum(all(d.ratios > 1) for d in every)} of "
        f"{len(every)} designs, and the highest product of the two ratios is {max(products):.2f} "
        f"(claimed: {np.prod([t.ratio for t in targets()]):.2f})"
    )


def per_area(rival: str) -> float:
    """Return a published accelerator's GOPS/mm² at the claims' width; 0 if it has none."""
    table = data.accelerators()
    row = (table.accelerator == rival) & (table.bits == targets()[0].bits)
    return float(np.nan_to_num(table.loc[row, "area_efficiency_gops_per_mm2"].max()))
