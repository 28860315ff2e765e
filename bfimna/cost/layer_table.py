"""Table of a simulation by layer and phase: counts, seconds and joules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bfimna.ap import counts as ap
from bfimna.cost.formulas import ALL_PHASES
from bfimna.mapping.schedule import Schedule
from bfimna.network.graph import Network
from bfimna.network.precision import Precision

if TYPE_CHECKING:
    import pandas as pd

COUNTED = (*ap.EVENTS, "rows_active", "bus_bits", "mesh_bit_hops", "dram_bits")

#: a layer's position, a phase, and its amounts by column
Row = tuple[int, str, dict[str, float]]


def layer_table(
    network: Network,
    precision: Precision,
    schedule: Schedule,
    times: np.ndarray,
    energies: np.ndarray,
    throttled: np.ndarray,
) -> "pd.DataFrame":
    """Return counts, seconds and joules of the batch by layer and phase, in the layers' order.

    Parameters
    ----------
    times : seconds of the batch, shape (layers, phases).
    energies : joules of the batch, shape (layers, phases).
    throttled : seconds of the times that limits of power and current cost, shape (layers, phases).
    """
    import pandas as pd

    names = [layer.name for layer in network.layers]
    bits = dict(zip(precision.layers, precision.of_network(network), strict=True))
    folds = dict(zip(schedule.layers.tolist(), schedule.folds, strict=True))
    used = dict(zip(schedule.layers.tolist(), schedule.utilisation, strict=True))
    rows = [*_computed(schedule), *_moved(schedule)]
    rows += [(k, "leakage", {}) for k in np.flatnonzero(times.sum(axis=1)).tolist()]
    table = []
    for k, phase, amounts in sorted(rows, key=lambda r: (r[0], ALL_PHASES.index(r[1]))):
        w, a = bits.get(names[k], (None, None))
        table.append({
            "layer": names[k], "kind": network.layers[k].kind, "phase": phase,
            "weight_bits": w, "activation_bits": a, "folds": folds.get(k),
            "utilisation": used.get(k), **dict.fromkeys(COUNTED, 0.0), **amounts,
            "latency_s": times[k, ALL_PHASES.index(phase)],
            "energy_j": energies[k, ALL_PHASES.index(phase)],
            "throttled_s": throttled[k, ALL_PHASES.index(phase)],
        })  # fmt: skip
    return pd.DataFrame(table).astype({"weight_bits": "Int64", "activation_bits": "Int64"})


def _computed(schedule: Schedule) -> Iterator[Row]:
    """Yield the phases of the AP with their events."""
    for phase, work in schedule.phases.items():
        shape = work.layers.shape
        events = {e: np.broadcast_to(getattr(work.counts, e), shape) for e in ap.EVENTS}
        for n, k in enumerate(work.layers.tolist()):
            if work.rows[n]:
                counted = {e: float(values[n]) for e, values in events.items()}
                yield k, phase, counted | {"rows_active": float(work.rows[n])}


def _moved(schedule: Schedule) -> Iterator[Row]:
    """Yield the layers that move bits, with their traffic."""
    t = schedule.traffic
    for n, k in enumerate(t.layers.tolist()):
        if t.bus_bits[n]:
            moved = {"bus_bits": t.bus_bits[n], "mesh_bit_hops": t.mesh_bit_hops[n]}
            yield k, "traffic", {**moved, "dram_bits": t.dram_bits[n]}


def phase_table(times: np.ndarray, energies: np.ndarray) -> "pd.DataFrame":
    """Return seconds and joules by phase (the index), for the phases that take part."""
    import pandas as pd

    sums = {"latency_s": times.sum(axis=0), "energy_j": energies.sum(axis=0)}
    table = pd.DataFrame(sums, index=pd.Index(ALL_PHASES, name="phase"))
    return table[table.any(axis="columns")]


def by_weighted_layer(network: Network, costs: np.ndarray) -> "pd.DataFrame":
    """Sum costs (layers, phases) into rows of weighted layers.

    A layer without weights counts towards the weighted layer before it.
    """
    import pandas as pd

    names = network.matmul_names
    rows = np.zeros((len(names), len(ALL_PHASES)))
    np.add.at(rows, [network.makers[layer.name] for layer in network.layers], costs)
    return pd.DataFrame(rows, index=list(names), columns=list(ALL_PHASES))
