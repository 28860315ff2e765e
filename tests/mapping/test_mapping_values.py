"""Mappings as values: what they refuse, what hardware they need, what they gain on networks."""

from dataclasses import replace

import numpy as np
import pytest

import bfimna as bf
from bfimna.ap.passes import Pass
from bfimna.cost import formulas
from bfimna.cost.totals import event_totals
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.plan import plan
from bfimna.network.graph import Builder

SRAM = bf.load_technology("sram-14nm-lstp")
LR = bf.Chip.paper()
BOOTH = replace(LR, latch="booth")


def network():
    b = Builder("small", (3, 6, 6))
    b.linear("last", b.flatten(b.relu(b.conv("conv", b.input, 4, 3, padding=1))), 5)
    return b.network()


def edp(net, bits, mapping, chip=LR):
    totals = event_totals(plan(net, chip, mapping).at(bf.Precision.fixed(net, bits)))
    seconds = float(totals.seconds(SRAM))
    return seconds * float(totals.joules(SRAM, seconds))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bf.Mapping.paper("two-pass"), "unknown adder 'two-pass'"),
        (lambda: bf.Mapping.fused(3), "unknown adder 3"),
        (lambda: bf.Mapping.stationary(fused=2), "fused must be true or false, not 2"),
        (lambda: bf.Mapping.accumulating(0), "products per row must be a whole number from 1"),
        (lambda: bf.Mapping.accumulating("4"), "products per row must be a whole number"),
        (lambda: bf.Mapping.carry_save(0), "side by side must be a whole number from 1"),
        (lambda: bf.Mapping.carry_save(triples=-1), "triples must be a whole number from 0"),
        (lambda: bf.Chip(latch="serial"), "unknown latch 'serial'"),
    ],
)
def test_what_is_no_mapping_is_refused(make, message):
    with pytest.raises(bf.BfimnaError, match=message):
        make()


@pytest.mark.parametrize(
    ("mapping", "chip", "message"),
    [
        (bf.Mapping.fused(), bf.Chip(ap_kind="2d"), "needs ap_kind='2d-segmented'.*has '2d'"),
        (bf.Mapping.stationary(), bf.Chip(multicast=False), "needs multicast=True.*has False"),
        (bf.Mapping.stationary(), bf.Chip(load_mode="by row"), "needs load_mode='latched'"),
        (bf.Mapping.accumulating(), bf.Chip(ap_kind="1d"), "needs ap_kind='2d-segmented'"),
        (bf.Mapping.carry_save(), LR, "'carry-save' needs latch='booth'; chip '.*' has 'row'"),
        (bf.Mapping.carry_save(), replace(BOOTH, rows=2), "needs rows=3 or more"),
    ],
)
def test_a_chip_that_lacks_what_a_mapping_needs_is_refused(mapping, chip, message):
    with pytest.raises(bf.BfimnaError, match=message):
        plan(network(), chip, mapping)


@pytest.mark.parametrize(
    "mapping",
    [
        bf.Mapping.paper("three-pass"),
        bf.Mapping.fused("four-pass"),
        bf.Mapping.stationary("four-pass", fused=False),
        bf.Mapping.accumulating(4, "four-pass", fused=False),
        bf.Mapping.carry_save(1, 0, "four-pass", fused=False),
    ],
    ids=lambda mapping: mapping.name,
)
def test_only_the_papers_mapping_has_published_counts(mapping):
    net = network()
    with pytest.raises(bf.BfimnaError, match="no published counts of"):
        plan(net, BOOTH, mapping).at(bf.Precision.fixed(net, 4), "published")


def test_a_booth_latch_costs_area_leakage_and_energy():
    latches = formulas.latches(BOOTH) - formulas.latches(LR)
    assert latches == LR.product_rows * 4
    more = formulas.area(BOOTH, SRAM) - formulas.area(LR, SRAM)
    selectors = LR.product_rows * SRAM.pick_m2_per_row
    assert more == pytest.approx(latches * SRAM.latch_m2_per_bit + selectors)
    leaks = formulas.leakage_power(BOOTH, SRAM) - formulas.leakage_power(LR, SRAM)
    assert leaks == pytest.approx(latches * SRAM.latch_w_per_bit)
    one = bf.ap.Counts(loads=1, cells_loaded=1.0)
    extra = formulas.energy(one, SRAM, BOOTH) - formulas.energy(one, SRAM, LR)
    assert extra == pytest.approx(SRAM.latch_j_per_bit + SRAM.pick_j_per_bit)


def test_the_targets_of_resnet18_at_8_bits_are_met_with_all_prices():
    net = bf.zoo.resnet18()
    paper = edp(net, 8, bf.Mapping.paper())
    assert paper / edp(net, 8, bf.Mapping.accumulating(4)) > 1.6
    assert paper / edp(net, 8, bf.Mapping.stationary()) > 1.6
    assert paper / edp(net, 8, bf.Mapping.carry_save(2), BOOTH) > 5.0


def test_an_operand_that_does_not_stay_is_noticed(monkeypatch):
    from bfimna.mapping import stationary

    def overwritten(array, layout):
        columns = (*layout.weights, *layout.activations)
        array.run((Pass((), tuple((c, 1) for c in columns)),))

    monkeypatch.setattr(stationary, "multiply_rows", overwritten)
    net = network()
    precision = bf.Precision.fixed(net, 4)
    chip = bf.Chip(clusters=1, caps_per_cluster=2, rows=60)
    with pytest.raises(bf.BfimnaError, match="operand did not stay in its rows"):
        infer(
            net, synthetic(net, precision), random_images(net, precision), precision, chip=chip,
            mapping=bf.Mapping.stationary(),
        )  # fmt: skip


@pytest.mark.parametrize("overlap", [False, True])
def test_streamed_weights_and_batches_are_priced_for_every_mapping(overlap):
    net = network()
    for mapping in (bf.Mapping.stationary(), bf.Mapping.accumulating(2), bf.Mapping.carry_save()):
        chip = replace(BOOTH, weights="streamed", overlap=overlap)
        for batch in (1, 5):
            schedule = plan(net, chip, mapping, batch).at(bf.Precision.fixed(net, 4))
            times, energies = formulas.costs(schedule, SRAM, len(net.layers))
            assert np.isfinite(times).all()
            assert (energies >= 0).all()
