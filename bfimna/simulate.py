"""The one entry: a network at given bits on a chip, in a technology → a report; and sweeps."""

from collections.abc import Sequence
from functools import lru_cache

import pandas as pd

from bfimna import cost
from bfimna.ap.counts import CountSet
from bfimna.chip import Chip
from bfimna.cost import costs
from bfimna.errors import BfimnaError, whole_number
from bfimna.network import Network
from bfimna.placement import Placement, place
from bfimna.precision import Precision, as_arrays
from bfimna.report import Report
from bfimna.technology import Technology


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
