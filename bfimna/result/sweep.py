"""Many points at once: precisions × chips × batches × technologies, vectorised."""

from collections.abc import Sequence

import pandas as pd

from bfimna.ap.counts import CountSet
from bfimna.chip.chip import Chip
from bfimna.chip.placement import Placement, place
from bfimna.errors import BfimnaError
from bfimna.network.graph import Network
from bfimna.network.precision import Precision, as_arrays
from bfimna.result import cost
from bfimna.result.cost import costs
from bfimna.technology.technology import Technology

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
        "utilisation": [placement.mean_utilisation] * n,
    }
