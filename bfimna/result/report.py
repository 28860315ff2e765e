"""What a simulation returns: totals of one inference, and a tidy table by layer and phase."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bfimna.ap import counts as ap
from bfimna.ap.counts import CountSet
from bfimna.chip.chip import Chip
from bfimna.chip.geometry import geometry, tensor_bits
from bfimna.chip.memory import live_bits
from bfimna.chip.placement import Placement
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.result import cost, physics, uncertainty
from bfimna.result.cost import ALL_PHASES
from bfimna.technology.technology import Technology


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
        return self.placement.mean_utilisation

    def interval(
        self, quantity: str, draws: int = uncertainty.DRAWS, seed: int = 0
    ) -> tuple[float, float, float]:
        """Return (5 %, median, 95 %) of a quantity under the ranges of the technology."""
        return uncertainty.interval(self, quantity, draws, seed)

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

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the result would take that nobody can build, cool or feed; a line each."""
        return physics.warnings(
            self.placement, self.technology, self.times, self.energies, self.network.name
        )

    @cached_property
    def _bounds(self) -> dict[str, Any]:
        return uncertainty.bounds(self.placement, self.technology, self.operations, self.batch)

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
            **{name: float(end) for name, end in self._bounds.items()},
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
