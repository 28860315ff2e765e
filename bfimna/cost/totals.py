"""Totals over layers and phases, and the columns that summaries and sweeps share."""

from collections.abc import Sequence

import numpy as np

from bfimna.ap.counts import Amount, CountSet
from bfimna.cost import cost
from bfimna.mapping.chip import Chip
from bfimna.mapping.schedule import Schedule
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology

#: first columns of summaries and sweeps: which point a row is
LABELS = (
    "network", "precision", "mean_bits", "technology", "supply_v", "chip", "counts", "batch",
)  # fmt: skip


def headline(
    seconds: Amount, joules: Amount, operations: Amount, batch: int, area_m2: Amount
) -> dict[str, np.ndarray]:
    """Return the headline figures of points from the totals of their batch, all of one shape.

    `latency_s` until the batch is done, `seconds_per_inference` that divided by the images,
    `energy_j` of an inference, `edp_js` = energy_j · latency_s, and rates.
    """
    seconds, joules, area = np.broadcast_arrays(seconds, joules, area_m2)
    each, energy = seconds / batch, joules / batch
    efficiency = operations / energy
    return {
        "latency_s": seconds,
        "seconds_per_inference": each,
        "energy_j": energy,
        "edp_js": energy * seconds,
        "throughput_ops": operations / each,
        "efficiency_ops_per_w": efficiency,
        "area_m2": area,
        "area_efficiency_ops_per_w_m2": efficiency / area,
    }


def totals(
    network: Network,
    placement: Schedule,
    technology: Technology,
    batch: int,
    times: np.ndarray,
    energies: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return the headline figures and the utilisation of points whose costs are known.

    Parameters
    ----------
    times : seconds of the batch, shape (..., layers, phases).
    energies : joules of the batch, shape (..., layers, phases).

    Returns
    -------
    Arrays of shape (...).
    """
    seconds, joules = times.sum(axis=(-2, -1)), energies.sum(axis=(-2, -1))
    area = cost.area(placement.chip, technology)
    used = np.broadcast_to(placement.mean_utilisation, np.shape(seconds))
    return headline(seconds, joules, 2 * network.macs, batch, area) | {"utilisation": used}


def labels(
    network: Network,
    precisions: Sequence[Precision],
    mean_bits: Sequence[float] | np.ndarray,
    technologies: Sequence[Technology],
    chip: Chip,
    counts: CountSet,
    batch: int,
) -> dict[str, np.ndarray]:
    """Return the columns `LABELS` of points: by technology, then by precision."""
    n, points = len(precisions), len(technologies) * len(precisions)

    def each(value: object) -> np.ndarray:
        return np.full(points, value, dtype=object)

    return {
        "network": each(network.name),
        "precision": np.tile(np.array([p.name for p in precisions], object), len(technologies)),
        "mean_bits": np.tile(np.asarray(mean_bits), len(technologies)),
        "technology": np.repeat(np.array([t.name for t in technologies], object), n),
        "supply_v": np.repeat([t.supply_v for t in technologies], n),
        "chip": each(chip.name),
        "counts": each(counts),
        "batch": np.full(points, batch),
    }
