"""Which layers' bits dominate: what one bit less in each of them would save."""

import numpy as np
import pandas as pd

from bfimna.cost.sweep import sweep
from bfimna.mapping.chip import Chip
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology


def one_bit_less(
    network: Network, precision: Precision, chip: Chip, technology: Technology
) -> pd.DataFrame:
    """Simulate each weighted layer with one bit less for weights and activations, by itself.

    Returns
    -------
    DataFrame with a row a weighted layer: layer, weight_bits, activation_bits (before), energy_j,
    latency_s and edp_js that the whole inference saves. A layer at one bit keeps it. A saving is 0
    where a tensor keeps its width for another reader's sake and the weights cannot shrink, and is
    below 0 where narrower words are cut into tiles or reductions less well.

    Examples
    --------
    >>> import bfimna as bf
    >>> net = bf.zoo.alexnet()
    >>> tech = bf.data.load_technology("sram-14nm-lstp")
    >>> saved = one_bit_less(net, bf.Precision.fixed(net, 8), bf.Chip.limited(), tech)
    >>> saved.layer[saved.energy_j.argmax()]
    'features.3'
    """
    weights, activations = np.array(precision.weight_bits), np.array(precision.activation_bits)
    variants = [precision]
    for k, layer in enumerate(precision.layers):
        less = np.arange(len(precision.layers)) == k
        w, a = np.maximum(weights - less, 1), np.maximum(activations - less, 1)
        variants.append(Precision(layer, precision.layers, tuple(w), tuple(a)))
    points = sweep(network, variants, [chip], [technology])
    costs = points[["energy_j", "latency_s", "edp_js"]]
    saved = (costs.iloc[0] - costs.iloc[1:]).reset_index(drop=True)
    bits = {"weight_bits": weights, "activation_bits": activations}
    return pd.DataFrame({"layer": precision.layers, **bits}).join(saved)
