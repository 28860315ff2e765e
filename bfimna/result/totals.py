"""Totals over layers and phases, and the columns that summaries and sweeps share."""

from collections.abc import Sequence

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.chip.placement import Placement
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.result import cost
from bfimna.technology.technology import Technology


def totals(
    network: Network,
    placement: Placement,
    technology: Technology,
    batch: int,
    times: np.ndarray,
    energies: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return the headline figures of points whose costs are known.

    Parameters
    ----------
    times : seconds of the batch, shape (..., layers, phases).
    energies : joules of the batch, shape (..., layers, phases).

    Returns
    -------
    Arrays of shape (...): `latency_s` until the batch is done, `seconds_per_inference` that
    divided by the images, `energy_j` of an inference, `edp_js` = energy_j · latency_s, rates.
    """
    latency = times.sum(axis=(-2, -1))
    each = latency / batch
    energy = energies.sum(axis=(-2, -1)) / batch
    operations, area = 2 * network.macs, cost.area(placement.chip, technology)
    efficiency = operations / energy
    return {
        "latency_s": latency,
        "seconds_per_inference": each,
        "energy_j": energy,
        "edp_js": energy * latency,
        "throughput_ops": operations / each,
        "efficiency_ops_per_w": efficiency,
        "area_m2": np.broadcast_to(area, latency.shape),
        "area_efficiency_ops_per_w_m2": efficiency / area,
        "utilisation": np.broadcast_to(placement.mean_utilisation, latency.shape),
    }


def columns(
    network: Network,
    precisions: Sequence[Precision],
    placement: Placement,
    technology: Technology,
    batch: int,
    counts: CountSet,
    times: np.ndarray,
    energies: np.ndarray,
) -> dict[str, Sequence[object]]:
    """Return columns of equal length for points that differ in their precision.

    Parameters
    ----------
    times : seconds of the batch, shape (precisions, layers, phases).
    energies : joules of the batch, shape (precisions, layers, phases).
    """
    n = len(precisions)
    figures = totals(network, placement, technology, batch, times, energies)
    return {
        "network": [network.name] * n,
        "precision": [p.name for p in precisions],
        "mean_bits": [p.mean_bits for p in precisions],
        "technology": [technology.name] * n,
        "supply_v": [technology.supply_v] * n,
        "chip": [placement.chip.name] * n,
        "counts": [counts] * n,
        "batch": [batch] * n,
        **{name: values.tolist() for name, values in figures.items()},
    }
