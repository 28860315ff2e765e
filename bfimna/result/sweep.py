"""Many points at once: precisions × chips × batches × technologies, vectorised."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bfimna.ap.counts import CountSet, check_set
from bfimna.chip.chip import MOST_IMAGES
from bfimna.chip.placement import place
from bfimna.errors import BfimnaError, whole_number
from bfimna.names import (
    AnyChip,
    AnyNetwork,
    AnyPrecision,
    AnyTechnology,
    load_chip,
    load_network,
    load_precision,
    load_technology,
)
from bfimna.network.precision import as_arrays
from bfimna.result.cost import costs
from bfimna.result.totals import columns

CHUNK = 64  # precisions at once: what keeps the arrays of a step in the cache


def sweep(
    network: AnyNetwork,
    precisions: Sequence[AnyPrecision] | AnyPrecision,
    chips: Sequence[AnyChip] | AnyChip,
    technologies: Sequence[AnyTechnology] | AnyTechnology,
    batches: Sequence[int] | int = (1,),
    counts: CountSet = "microcode",
) -> pd.DataFrame:
    """Simulate every combination, vectorised over the precisions; one row per point.

    Each noun is an object, or a name or file that `bfimna.names` loads; one stands for a list of
    one. Supply voltages are technologies: pass ``tech.at_supply(v)`` for each v.

    Returns
    -------
    DataFrame with the columns of `Report.summary` from network to utilisation.

    Examples
    --------
    >>> len(sweep("alexnet", [4, 8], ["LR", "IR"], "sram-14nm-lstp"))
    4
    """
    net = load_network(network)
    bits = [load_precision(net, p) for p in _listed(precisions)]
    machines = [load_chip(c) for c in _listed(chips)]
    techs = [load_technology(t) for t in _listed(technologies)]
    images = [whole_number("batch", b, 1, MOST_IMAGES) for b in _listed(batches)]
    check_set(counts)
    if not (bits and machines and techs and images):
        raise BfimnaError("a sweep needs at least one precision, chip, technology and batch")
    frames = []
    for start in range(0, len(bits), CHUNK):
        some = bits[start : start + CHUNK]
        w, a = as_arrays(net, some)
        for chip in machines:
            for batch in images:
                placement = place(net, w, a, chip, batch, counts)
                for tech in techs:
                    known = costs(placement, tech, len(net.layers))
                    frames.append(columns(net, some, placement, tech, batch, counts, *known))
    joined = {key: [x for frame in frames for x in frame[key]] for key in frames[0]}
    return pd.DataFrame(joined)


def _listed(given: Any) -> list[Any]:
    """Return a list of what was given, which may be one thing alone."""
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        return [given]
    if isinstance(given, np.ndarray) and not given.ndim:
        return [given.item()]
    return list(given)
