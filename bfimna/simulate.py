"""The one entry: a network at given bits on a chip in a technology → a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from bfimna import cost
from bfimna.ap import counts as ap
from bfimna.ap.counts import CountSet
from bfimna.chip import Chip
from bfimna.errors import BfimnaError, whole_number
from bfimna.geometry import geometry, tensor_bits
from bfimna.memory import live_bits
from bfimna.network import Network
from bfimna.placement import PHASES, Placement, place
from bfimna.precision import MAX_BITS, Precision, as_arrays
from bfimna.technology import Technology

ALL_PHASES = (*PHASES, "traffic", "leakage")


@dataclass(frozen=True)
class Report:
    """What one network costs, per inference; model document, section 3.

    Attributes
    ----------
    chip : as placed (IR has its clusters now).
    batch_latency_s : seconds until the whole batch is done.
    latency_s, energy_j : of one inference, the batch's divided by its images.
    """

    network: Network
    precision: Precision
    chip: Chip
    technology: Technology
    batch: int
    counts: CountSet
    placement: Placement
    times: np.ndarray  # seconds of the batch by (layer, phase)
    energies: np.ndarray  # joules of the batch by (layer, phase)

    @property
    def batch_latency_s(self) -> float:
        """Seconds until the whole batch is done."""
        return float(self.times.sum())

    @property
    def latency_s(self) -> float:
        """Seconds an inference."""
        return self.batch_latency_s / self.batch

    @property
    def energy_j(self) -> float:
        """Joules an inference."""
        return float(self.energies.sum()) / self.batch

    @property
    def edp_js(self) -> float:
        """Energy-delay product of an inference, in J·s."""
        return self.energy_j * self.latency_s

    @property
    def operations(self) -> int:
        """Operations of an inference: two a MAC."""
        return 2 * self.network.macs

    @property
    def throughput_ops(self) -> float:
        """Operations a second."""
        return self.operations / self.latency_s

    @property
    def efficiency_ops_per_w(self) -> float:
        """Operations a second and watt, which is operations a joule."""
        return self.operations / self.energy_j

    @property
    def area_m2(self) -> float:
        """Square metres of the chip."""
        return cost.area(self.chip, self.technology)

    @property
    def area_efficiency_ops_per_w_m2(self) -> float:
        """Operations a second, watt and square metre."""
        return self.efficiency_ops_per_w / self.area_m2

    @property
    def utilisation(self) -> float:
        """Share of the CAP rows that hold a product, over all folds."""
        p = self.placement
        return float(np.average(p.utilisation, weights=p.folds))

    @property
    def resident_weights_fit(self) -> bool:
        """Whether the MAPs could hold all weights, as "resident" assumes."""
        return self.precision.size_bits(self.network) <= self.chip.map_bits

    @cached_property
    def live_bits(self) -> np.ndarray:
        """Bits of an image's live tensors while each layer runs, shape (layers,)."""
        activation_bits = np.array(self.precision.activation_bits)
        stored = tensor_bits(geometry(self.network, self.chip, self.batch), activation_bits)
        return live_bits(self.network, stored)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the network's file could not say, or what is left to the host."""
        return self.network.notes

    @cached_property
    def summary(self) -> dict[str, object]:
        """One row for a table of results; units in the names."""
        return {
            "network": self.network.name,
            "precision": self.precision.name,
            "mean_bits": self.precision.mean_bits,
            "technology": self.technology.name,
            "supply_v": self.technology.supply_v,
            "chip": self.chip.name,
            "counts": self.counts,
            "batch": self.batch,
            "latency_s": self.latency_s,
            "energy_j": self.energy_j,
            "edp_js": self.edp_js,
            "throughput_ops": self.throughput_ops,
            "efficiency_ops_per_w": self.efficiency_ops_per_w,
            "area_m2": self.area_m2,
            "area_efficiency_ops_per_w_m2": self.area_efficiency_ops_per_w_m2,
            "utilisation": self.utilisation,
            "weights_bits": self.precision.size_bits(self.network),
            "resident_weights_fit": self.resident_weights_fit,
            "peak_live_bits": int(self.live_bits.max()),
        }

    @cached_property
    def layers(self) -> pd.DataFrame:
        """Tidy: a row a layer and phase that takes part; counts, time and energy of the batch."""
        p, names = self.placement, [layer.name for layer in self.network.layers]
        folds = dict(zip(p.layers.tolist(), p.folds, strict=True))
        used = dict(zip(p.layers.tolist(), p.utilisation, strict=True))
        rows = []
        for phase, work in p.phases.items():
            events = {
                e: np.broadcast_to(getattr(work.counts, e), work.layers.shape) for e in ap.EVENTS
            }
            for n, k in enumerate(work.layers.tolist()):
                if work.rows[n]:
                    counted = {e: float(values[n]) for e, values in events.items()}
                    rows.append((k, phase, {**counted, "rows_active": float(work.rows[n])}))
        t = p.traffic
        for n, k in enumerate(t.layers.tolist()):
            if t.bus_bits[n]:
                moved = {"bus_bits": t.bus_bits[n], "mesh_bit_hops": t.mesh_bit_hops[n]}
                rows.append((k, "traffic", {**moved, "dram_bits": t.dram_bits[n]}))
        rows += [(k, "leakage", {}) for k in np.flatnonzero(self.times.sum(axis=1))]
        table = []
        for k, phase, events in sorted(rows, key=lambda r: (r[0], ALL_PHASES.index(r[1]))):
            w, a = self.precision._by_layer.get(names[k], (None, None))
            table.append({
                "layer": names[k], "kind": self.network.layers[k].kind, "phase": phase,
                "weight_bits": w, "activation_bits": a, "folds": folds.get(k),
                "utilisation": used.get(k), **dict.fromkeys(_COUNTED, 0.0), **events,
                "latency_s": self.times[k, ALL_PHASES.index(phase)],
                "energy_j": self.energies[k, ALL_PHASES.index(phase)],
            })  # fmt: skip
        return pd.DataFrame(table).astype({"weight_bits": "Int64", "activation_bits": "Int64"})


_COUNTED = (*ap.EVENTS, "rows_active", "bus_bits", "mesh_bit_hops", "dram_bits")


def costs(
    placement: Placement, technology: Technology, layers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and joules of a placement, arrays of shape (..., layers, phases)."""
    t = placement.traffic
    shape = (*t.bus_bits.shape[:-1], layers, len(ALL_PHASES))
    times, energies = np.zeros(shape), np.zeros(shape)
    for phase, work in placement.phases.items():
        k = ALL_PHASES.index(phase)
        times[..., work.layers, k] = cost.latency(work.counts, technology)
        energies[..., work.layers, k] = cost.energy(work.counts, technology)
    moving = cost.transfer_latency(t, technology)
    if placement.chip.overlap:
        computing = times[..., t.layers, :].sum(axis=-1)
        folds = np.ones(layers)
        folds[placement.layers] = placement.folds
        moving = cost.exposed(moving, computing, folds[t.layers])
    times[..., t.layers, -2] = moving
    energies[..., t.layers, -2] = cost.transfer_energy(t, technology)
    energies[..., -1] = times.sum(axis=-1) * cost.leakage_power(placement.chip, technology)
    return times, energies


def simulate(
    network: Network,
    precision: Precision,
    chip: Chip,
    technology: Technology,
    batch: int = 1,
    counts: CountSet = "microcode",
) -> Report:
    """Simulate the inference of a batch.

    Parameters
    ----------
    batch : images that share the weights of a fold.
    counts : "microcode", what bit-exact programs take, or "published", the literature's.

    Raises
    ------
    BfimnaError
        If precision and network do not belong together, or the placement is impossible.

    Examples
    --------
    >>> import bfimna as bf
    >>> net = bf.zoo.resnet18()
    >>> tech = bf.data.load_technology("sram-14nm-lstp")
    >>> report = bf.simulate(net, bf.Precision.fixed(net, 8), bf.Chip.limited(), tech)
    >>> report.edp_js == report.energy_j * report.latency_s
    True
    """
    batch = whole_number("batch", batch, 1)
    placement = _placed(network, precision, chip, batch, counts)
    times, energies = costs(placement, technology, len(network.layers))
    return Report(
        network, precision, placement.chip, technology, batch, counts, placement, times, energies
    )


@lru_cache(maxsize=128)  # technologies and supplies share a placement
def _placed(
    network: Network, precision: Precision, chip: Chip, batch: int, counts: CountSet
) -> Placement:
    w, a = as_arrays(network, [precision])
    return place(network, w[0], a[0], chip, batch, counts)


CHUNK = 64  # precisions at once: what keeps the arrays of a step in the cache


def sweep(
    network: Network,
    precisions: Sequence[Precision],
    chips: Sequence[Chip],
    technologies: Sequence[Technology],
    batches: Sequence[int] = (1,),
    counts: CountSet = "microcode",
) -> pd.DataFrame:
    """Simulate every combination, vectorised over the precisions; one row a point.

    Supply voltages are technologies: pass ``tech.at_supply(v)`` for each v.

    Returns
    -------
    DataFrame with the columns of `Report.summary` from network to utilisation.
    """
    if not (len(precisions) and len(chips) and len(technologies) and len(batches)):
        raise BfimnaError("a sweep needs at least one precision, chip, technology and batch")
    frames = []
    for start in range(0, len(precisions), CHUNK):
        some = precisions[start : start + CHUNK]
        w, a = as_arrays(network, some)
        for chip in chips:
            for batch in batches:
                placement = place(network, w, a, chip, batch, counts)
                for technology in technologies:
                    frames.append(_points(network, some, placement, technology, batch, counts))
    columns = {key: [x for frame in frames for x in frame[key]] for key in frames[0]}
    return pd.DataFrame(columns)


def _points(
    network: Network,
    precisions: Sequence[Precision],
    placement: Placement,
    technology: Technology,
    batch: int,
    counts: CountSet,
) -> dict[str, Sequence[object]]:
    times, energies = costs(placement, technology, len(network.layers))
    latency = times.sum(axis=(1, 2)) / batch
    energy = energies.sum(axis=(1, 2)) / batch
    area = cost.area(placement.chip, technology)
    operations, n = 2 * network.macs, len(precisions)
    used = float(np.average(placement.utilisation, weights=placement.folds))
    return {
        "network": [network.name] * n,
        "precision": [p.name for p in precisions],
        "mean_bits": [p.mean_bits for p in precisions],
        "technology": [technology.name] * n,
        "supply_v": [technology.supply_v] * n,
        "chip": [placement.chip.name] * n,
        "counts": [counts] * n,
        "batch": [batch] * n,
        "latency_s": latency,
        "energy_j": energy,
        "edp_js": latency * energy,
        "throughput_ops": operations / latency,
        "efficiency_ops_per_w": operations / energy,
        "area_m2": [area] * n,
        "area_efficiency_ops_per_w_m2": operations / energy / area,
        "utilisation": [used] * n,
    }


@dataclass(frozen=True)
class Peak:
    """Peak figures as accelerator papers quote them."""

    throughput_ops: float
    efficiency_ops_per_w: float
    area_m2: float

    @property
    def area_efficiency_ops_per_w_m2(self) -> float:
        """Operations a second, watt and square metre."""
        return self.efficiency_ops_per_w / self.area_m2

    @property
    def power_w(self) -> float:
        """Watts at peak."""
        return self.throughput_ops / self.efficiency_ops_per_w


def peak(bits: int, chip: Chip, technology: Technology) -> Peak:
    """Every row of every CAP does load 2M + multiply M × M + add M + read 2M: two operations.

    No traffic; leakage included. The two sets of counts agree on these programs.

    >>> from bfimna.data import load_technology
    >>> round(peak(16, Chip.limited(), load_technology("sram-published-fit")).throughput_ops / 1e9)
    41654
    """
    bits = whole_number("bits", bits, 1, MAX_BITS)
    if not chip.clusters:
        raise BfimnaError(f"chip {chip.name!r} has no fixed number of CAPs, so it has no peak")
    program = ap.load(2 * bits) + ap.multiply(bits, bits) + ap.add(bits) + ap.read(2 * bits)
    seconds = cost.latency(program, technology)
    rows = chip.product_rows
    joules = cost.energy(program, technology) * rows
    joules += cost.leakage_power(chip, technology) * seconds
    return Peak(2 * rows / seconds, 2 * rows / joules, cost.area(chip, technology))
