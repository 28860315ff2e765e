"""How many key columns a pass drives: closed form against the passes that the emulator runs."""

from dataclasses import replace

import pytest

import bfimna as bf
from bfimna.ap.array import Array
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.plan import plan
from bfimna.network.precision import Precision

from ..networks import chained

LR = bf.Chip.limited()
KINDS = ("relu", "lookup", "leakyrelu", "hardsigmoid", "hardswish", "lrn", "maxpool")


def network(kind):
    return chained(kind).network()


def residual():
    b = chained()
    b.add("sum", "conv", b.conv("other", "conv", 4, 1))
    return b.network()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [3, 7, 10])
def test_the_emulated_passes_drive_at_most_so_many(kind, bits, monkeypatch):
    net, driven = network(kind), set()
    precision = Precision.fixed(net, bits)
    run, levels = Array.run, Array.add_levels

    def recorded(self, program, rows=0):
        driven.update(len(step.key) for step in program)
        return run(self, program, rows)

    def recorded_levels(self, lut, sets, columns):
        driven.update(len(step.key) for step in lut.passes)
        return levels(self, lut, sets, columns)

    monkeypatch.setattr(Array, "run", recorded)
    monkeypatch.setattr(Array, "add_levels", recorded_levels)
    infer(net, synthetic(net, precision), random_images(net, precision, 1), precision, chip=LR)
    assert plan(net, LR).at(precision).driven_keys[1] == max(driven)


def test_a_chip_refuses_a_pass_that_drives_more_and_names_the_layer():
    net = network("lookup")
    few = replace(LR, max_driven_keys=8)
    assert plan(net, few).at(Precision.fixed(net, 7)).driven_keys == ("0.lookup", 8)
    with pytest.raises(bf.BfimnaError, match=r"'0.lookup' drives 9 key columns .* 'LR' allows max"):
        plan(net, few).at(Precision.fixed(net, 8))
    with pytest.raises(bf.BfimnaError, match="layer 'conv' drives 4 key columns"):
        plan(net, replace(LR, max_driven_keys=3)).at(Precision.fixed(net, 2))
    for wrong in (0, -1, 2.5, "8", True):
        with pytest.raises(bf.BfimnaError, match="max_driven_keys must be a whole number from 1"):
            replace(LR, max_driven_keys=wrong)


def test_a_scale_that_leaves_more_columns_to_clamp_is_refused_where_it_is_run():
    """Widths do not say how far a sum is shifted: the model takes a clamp's keys to be two."""
    net = residual()
    precision = Precision.fixed(net, 7)
    own, images = synthetic(net, precision), random_images(net, precision, 1)
    assert plan(net, LR).at(precision).driven_keys == ("conv", 4)
    expected, _ = infer(net, own, images, precision, chip=LR)
    five, four = (replace(LR, max_driven_keys=keys) for keys in (5, 4))
    out, _ = infer(net, own, images, precision, chip=five)
    assert (out == expected).all()
    with pytest.raises(bf.BfimnaError, match="a pass drives 5 key columns; max_driven_keys=4"):
        infer(net, own, images, precision, chip=four)


def test_a_technology_refuses_a_pass_that_its_cells_cannot_sense():
    net, reram = network("lookup"), bf.load_technology("reram-14nm-lstp")
    assert bf.simulate(net, 7, LR, reram).latency_s > 0
    message = r"'0.lookup' drives 9 key columns in a pass, 'reram-14nm-lstp' senses at most max_dri"
    for price in (bf.simulate, bf.sweep):
        assert price(net, 8, LR, "sram-14nm-lstp") is not None
        with pytest.raises(bf.BfimnaError, match=message):
            price(net, 8, LR, reram)
    three = replace(reram, max_driven_keys=3.0)  # 100 k / 1.7 M
    with pytest.raises(bf.BfimnaError, match="drives 4 key columns"):
        bf.simulate("resnet18", 8, LR, three)
