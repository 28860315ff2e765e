"""Judge bit fluidity: one emulated array runs a stream of widths without reconfiguration."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isclose

import numpy as np

from bfimna.ap.events import Counts
from bfimna.cost import formulas
from bfimna.cost.simulate import simulate
from bfimna.emulator import digits
from bfimna.emulator.arrays import Emulator
from bfimna.emulator.infer import infer
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.work import Traffic, Vertical, Work
from bfimna.names import load_network
from bfimna.network.precision import Precision
from bfimna.technology.prices import Price
from bfimna.technology.technology import Technology
from reproduction.studies import oracle
from reproduction.studies.claims import verdicts
from reproduction.studies.claims.designs import BUILT, PAPER
from reproduction.studies.claims.verdicts import Verdict
from reproduction.studies.exactness import DATA_DEPENDENT, SHIFTING

IMAGES = 2
HIDDEN = 1e-9  # share of a time or an energy that rounding explains


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
        logits, report = infer(network, own, images, bits, chip=PAPER, emulator=shared)
        expected = oracle.infer(network, own, images, bits)[network.layers[-1].name]
        right += bool((logits == expected.reshape(logits.shape)).all())
        alone += int(infer(network, own, images, bits, chip=PAPER)[1].counts.cycles)
        reports.append(report)
    return Stream(
        names=names,
        right=right,
        cycles=int(sum(report.counts.cycles for report in reports)),
        alone=alone,
        switching=int(sum(report.switching.cycles for report in reports)),
        activity=tuple({key: a.counts for key, a in r.activity.items()} for r in reports),
    )


def unexplained(technology: Technology) -> tuple[float, float]:
    """Return the largest shares of a modelled latency and energy that nothing accounts for.

    Time is the arrays' cycles and traffic; energy the arrays' events, traffic and leakage. Cycles
    and events are those that the emulator counted, each at its price; events that depend on the
    data have their expected number. Traffic is bits over the width and clock of buses and links,
    and bits times the energy of one. The model's own sums, which could hide a cost, are not used.
    """
    network, worst = digits.network(), np.zeros(2)
    for name, activity in zip(stream().names, stream().activity, strict=True):
        report = simulate(network, digits.precision(name), PAPER, technology, batch=IMAGES)
        seconds, joules = _on_links(report.schedule.traffic, PAPER, technology)
        for (layer, phase), counts in activity.items():
            work = report.schedule.phases[phase]
            cycles, events = _prices(work, layer, technology)
            mode = work.mode_at(_position(work, layer))
            seconds += sum(getattr(counts, cycle) * price for cycle, price in cycles.items())
            expected = _expected(work, layer)
            for event, price in events.items():
                of_data = event in DATA_DEPENDENT or (event == "key_cells" and phase in SHIFTING)
                amounts = expected if of_data else counts
                joules += getattr(amounts, event) * price
            if isinstance(mode, Vertical):  # there and back
                seconds += float(formulas.mode_seconds(mode.entries, technology))
                changed = mode.entered_rows, mode.cut_rows
                joules += float(formulas.mode_joules(*changed, technology, PAPER))
            else:
                joules += float(formulas.idle_energy(counts, technology, PAPER))
        joules += float(formulas.leakage_power(PAPER, technology)) * seconds
        missing = report.times.sum() / seconds - 1, report.energies.sum() / joules - 1
        worst = np.maximum(worst, np.abs(missing))
    return float(worst[0]), float(worst[1])


def _position(work: Work, layer: str) -> int:
    names = [other.name for other in digits.network().layers]
    return int(np.flatnonzero(work.layers == names.index(layer))[0])


def _prices(
    work: Work, layer: str, technology: Technology
) -> tuple[dict[str, Price], dict[str, Price]]:
    """Return seconds of each kind of cycle and joules of each event of a layer's phase."""
    mode = work.mode_at(_position(work, layer))
    events = formulas.phase_joules(technology, PAPER, mode)
    return formulas.phase_seconds(technology, PAPER, mode), events


def _expected(work: Work, layer: str) -> Counts:
    """Return the events that the model expects of a layer's phase."""
    k = _position(work, layer)
    amounts = work.counts.amounts.items()
    return Counts(**{e: float(np.broadcast_to(x, work.rows.shape)[k]) for e, x in amounts})


def _on_links(traffic: Traffic, chip: Chip, technology: Technology) -> tuple[float, float]:
    """Return seconds and joules of the bits on buses and mesh."""
    links = technology.interconnect
    hertz = chip.clock_hz * links.link_speed
    bus = traffic.bus_bits / (chip.clusters * chip.bus_bits * hertz)
    mesh = traffic.mesh_bit_hops / (chip.mesh_links * chip.mesh_bits * hertz)
    multicast = chip.caps_per_cluster * links.multicast_j_per_bit_cap
    joules = traffic.bus_bits * (links.bus_j_per_bit + multicast)
    joules = joules + traffic.mesh_bit_hops * links.mesh_j_per_bit_hop
    return float(np.maximum(bus, mesh).sum()), float(joules.sum())


def wrong_traffic() -> list[str]:
    """Name the products whose bits on the buses are not those that the emulator moved.

    Without multicast, every loaded cell crossed the mesh. With it, a share of them, that depends on
    the tiles and, where weights and activations have one width, not on this width. They cross a bus
    too, and so does every cell that is read.
    """
    network, copying, wrong = digits.network(), replace(PAPER, multicast=False), []
    shares: dict[str, float] = {}
    for name, activity in zip(stream().names, stream().activity, strict=True):
        bits = digits.precision(name)
        copied = plan(network, copying, batch=IMAGES).at(bits)
        moved = plan(network, PAPER, batch=IMAGES).at(bits)
        for layer, copied_hops, bus_bits, bit_hops in zip(
            network.matmul_names, _of_products(copied)[1], *_of_products(moved), strict=True
        ):
            loaded = float(activity[layer, "load"].cells_loaded)
            read = float(activity[layer, "read"].cells_read)
            once = bit_hops / PAPER.mean_hops
            share = shares.setdefault(layer, once / loaded)
            holds = (
                isclose(copied_hops, loaded * copying.mean_hops)
                and isclose(bus_bits, once + read)
                and (isclose(once / loaded, share) or bits.weight_bits != bits.activation_bits)
            )
            if not holds:
                wrong.append(f"{layer} at {name}")
    return wrong


def _of_products(schedule: Schedule) -> tuple[np.ndarray, np.ndarray]:
    """Return bits on the buses and bit-hops on the mesh of each product."""
    products = len(schedule.layers)  # they come first
    return schedule.traffic.bus_bits[:products], schedule.traffic.mesh_bit_hops[:products]


def reload(network: str, precision: str, technology: Technology) -> tuple[float, float, float]:
    """Return seconds and joules to load a precision's weights from DRAM, and the share that fits.

    The cost of a switch if the chip keeps one precision's weights; zero if it keeps all. The share
    is the part of the weights that the MAPs of LR can hold.
    """
    net = load_network(network)
    bits = Precision.fixed(net, int(precision.removeprefix("int"))).size_bits(net)
    links, chip = technology.interconnect, BUILT
    seconds = max(
        bits / 8 / links.dram_bytes_per_s,
        bits / (chip.clusters * chip.bus_bits * chip.clock_hz * links.link_speed),
    )
    joules = bits * (links.dram_j_per_bit + links.bus_j_per_bit)
    return seconds, joules, min(1.0, chip.map_bits / bits)


def compare(technologies: Sequence[Technology]) -> Verdict:
    """Judge the claim: all outputs right, cycles that add up, nothing hidden, bits that follow."""
    run, wrong = stream(), wrong_traffic()
    hidden_s, hidden_j = np.max([unexplained(t) for t in technologies], axis=0)
    holds = (
        run.right == len(run.names)
        and run.cycles == run.alone
        and run.switching == 0
        and max(hidden_s, hidden_j) < HIDDEN
        and not wrong
    )
    seconds, joules, held = reload("resnet18", "int8", technologies[0])
    moved = f"the bits moved are not the emulator's in {', '.join(wrong[:3])}; " if wrong else ""
    reason = (
        f"{run.right} of {len(run.names)} inferences right on one array, {run.cycles} cycles "
        f"against {run.alone} on fresh ones, {run.switching} to switch; {100 * hidden_s:.2f} % "
        f"of the time is neither cycle nor traffic, {100 * hidden_j:.2f} % of the energy neither "
        f"event, traffic nor leakage; {moved}on the chip as built, weights of another precision "
        f"take {1e6 * seconds:.3g} µs and {1e6 * joules:.3g} µJ from DRAM (ResNet18, INT8; the "
        f"MAPs of LR hold {100 * held:.0f} % of them)"
    )
    verdict = verdicts.REPRODUCED if holds else verdicts.NOT
    return Verdict(verdict, reason, "share of right outputs", run.right / len(run.names))
