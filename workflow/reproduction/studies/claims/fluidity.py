"""Judge bit fluidity: one emulated array runs a stream of widths without reconfiguration."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bfimna.ap.events import Counts
from bfimna.cost import formulas
from bfimna.cost.simulate import simulate
from bfimna.emulator import digits
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.infer import infer
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import Traffic, Vertical
from bfimna.names import load_network
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology
from reproduction.studies import oracle
from reproduction.studies.claims import verdicts
from reproduction.studies.claims.verdicts import Verdict

IMAGES = 2


@dataclass(frozen=True)
class Stream:
    """Record of a stream of inferences at changing widths on one array.

    Attributes
    ----------
    names : precisions, in the order of the stream.
    right : number of inferences whose outputs all equal the integer reference's.
    cycles : cycles of the stream on one array.
    alone : cycles of the same inferences, each on a fresh array.
    switching : cycles between inferences.
    activity : counts by layer and phase, for each inference.
    """

    names: tuple[str, ...]
    right: int
    cycles: int
    alone: int
    switching: int
    activity: tuple[dict[tuple[str, str], Counts], ...]


@lru_cache
def stream() -> Stream:
    """Run the digits network at every trained precision, down and up again, on one array."""
    up = digits.trained()
    names = (*up, *reversed(up[:-1]))
    network, shared = digits.network(), Emulator()
    right, alone, reports = 0, 0, []
    for name in names:
        bits, own = digits.precision(name), digits.parameters(name)
        images = digits.images(bits)[:IMAGES]
        logits, report = infer(network, own, images, bits, emulator=shared)
        expected = oracle.infer(network, own, images, bits)[network.layers[-1].name]
        right += bool((logits == expected.reshape(logits.shape)).all())
        alone += int(infer(network, own, images, bits)[1].counts.cycles)
        reports.append(report)
    return Stream(
        names=names,
        right=right,
        cycles=int(sum(report.counts.cycles for report in reports)),
        alone=alone,
        switching=int(sum(report.switching.cycles for report in reports)),
        activity=tuple({key: a.counts for key, a in r.activity.items()} for r in reports),
    )


def unexplained_seconds(technology: Technology) -> float:
    """Return the largest share of a modelled latency that is neither array cycles nor traffic.

    The arrays' cycles are those that the emulator counted, each at its price; traffic is bits over
    the width and clock of buses and links. The model's own sums of seconds, which could hide a
    cost, are not used.
    """
    network, chip, worst = digits.network(), Chip.limited(), 0.0
    for name, activity in zip(stream().names, stream().activity, strict=True):
        report = simulate(network, digits.precision(name), chip, technology, batch=IMAGES)
        seconds = _seconds_on_links(report.schedule.traffic, chip, technology)
        for (layer, phase), counts in activity.items():
            work = report.schedule.phases[phase]
            position = list(network.shapes).index(layer)
            mode = work.mode_at(int(np.flatnonzero(work.layers == position)[0]))
            prices = formulas.phase_seconds(technology, chip, mode)
            seconds += sum(getattr(counts, cycle) * price for cycle, price in prices.items())
            if isinstance(mode, Vertical):  # there and back
                seconds += formulas.mode_seconds(mode.entries, technology)
        worst = max(worst, abs(report.times.sum() / seconds - 1))
    return worst


def _seconds_on_links(traffic: Traffic, chip: Chip, technology: Technology) -> float:
    hertz = chip.clock_hz * technology.interconnect.link_speed
    bus = traffic.bus_bits / (chip.clusters * chip.bus_bits * hertz)
    mesh = traffic.mesh_bit_hops / (chip.mesh_links * chip.mesh_bits * hertz)
    return float(np.maximum(bus, mesh).sum())


def reload(network: str, precision: str, technology: Technology) -> tuple[float, float, float]:
    """Return seconds and joules to load a precision's weights from DRAM, and the share that fits.

    The cost of a switch if the chip keeps one precision's weights; zero if it keeps all. The share
    is the part of the weights that the MAPs of LR can hold.
    """
    net = load_network(network)
    bits = Precision.fixed(net, int(precision.removeprefix("int"))).size_bits(net)
    links, chip = technology.interconnect, Chip.limited()
    seconds = max(
        bits / 8 / links.dram_bytes_per_s,
        bits / (chip.clusters * chip.bus_bits * chip.clock_hz * links.link_speed),
    )
    joules = bits * (links.dram_j_per_bit + links.bus_j_per_bit)
    return seconds, joules, min(1.0, chip.map_bits / bits)


def compare(technology: Technology) -> tuple[Verdict, str]:
    """Judge the claim: all outputs right, cycles that add up, and no other time."""
    run = stream()
    unexplained = unexplained_seconds(technology)
    holds = (
        run.right == len(run.names)
        and run.cycles == run.alone
        and run.switching == 0
        and unexplained < 1e-9
    )
    seconds, joules, held = reload("resnet18", "int8", technology)
    reason = (
        f"{run.right} of {len(run.names)} inferences right on one array, {run.cycles} cycles "
        f"against {run.alone} on fresh ones, {run.switching} to switch; {100 * unexplained:.2f} % "
        "of the time is neither cycle nor traffic. Weights of another precision that are not in "
        f"the MAPs yet take {1e6 * seconds:.3g} µs and {1e6 * joules:.3g} µJ from DRAM "
        f"(ResNet18, INT8; the MAPs of LR hold {100 * held:.0f} % of them)"
    )
    certain = np.full(1, holds)
    share = run.right / len(run.names)
    return verdicts.order(share, np.full(1, share), holds, certain), reason
