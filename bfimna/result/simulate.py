"""The one entry: a network at given bits on a chip, in a technology → a report."""

from functools import lru_cache

from bfimna.ap.counts import CountSet
from bfimna.chip.chip import Chip
from bfimna.chip.placement import Placement, place
from bfimna.errors import whole_number
from bfimna.network.graph import Network
from bfimna.network.precision import Precision, as_arrays
from bfimna.result.cost import costs
from bfimna.result.report import Report
from bfimna.technology.technology import Technology


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
