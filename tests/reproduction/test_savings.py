"""What one bit less saves, against simulating that precision by itself."""

from reproduction.studies.savings import one_bit_less

import bfimna as bf

from ..close import close


def test_each_row_is_a_simulation_of_its_own():
    net = bf.zoo.alexnet()
    technology = bf.data.load_technology("sram-14nm-lstp")
    bits = bf.Precision.of(net, {"features.0": (1, 5)}, default=4)
    saved = one_bit_less(net, bits, bf.Chip.limited(), technology).set_index("layer")
    before = bf.simulate(net, bits, bf.Chip.limited(), technology)
    for layer, less in (("features.0", (1, 4)), ("classifier.6", (3, 3))):
        others = {name: bits[name] for name in bits.layers}
        changed = bf.Precision.of(net, others | {layer: less})
        after = bf.simulate(net, changed, bf.Chip.limited(), technology)
        assert saved.energy_j[layer] == close(before.energy_j - after.energy_j)
        assert saved.edp_js[layer] == close(before.edp_js - after.edp_js)
    assert tuple(saved.loc["features.0", ["weight_bits", "activation_bits"]]) == (1, 5)
