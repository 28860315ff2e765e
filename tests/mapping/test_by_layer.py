"""Mappings chosen layer by layer: priced and emulated as the mappings that they are made of."""

import numpy as np
import pytest
from reproduction.studies.exactness import wrong_counts, wrong_tensors

import bfimna as bf
from bfimna.cost.formulas import costs
from bfimna.cost.totals import event_totals
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.plan import plan
from bfimna.mapping.work import HORIZONTAL, Vertical, Work, joined
from tests.mapping.test_seam import TWO, network

PAPER, SRAM = bf.Mapping.paper(), bf.load_technology("sram-14nm-lstp")


@pytest.mark.parametrize("names", [("odd",), ("even",), ("odd", "even")])
@pytest.mark.parametrize("rows", [9, 40, 4800])
def test_layers_are_emulated_each_by_its_mapping(names, rows):
    net = network()
    precision = bf.Precision.fixed(net, 3)
    chip = bf.Chip(rows=rows, clusters=2, caps_per_cluster=3)
    mixed = bf.Mapping.by_layer(PAPER, dict.fromkeys(names, TWO))
    own, images = synthetic(net, precision), random_images(net, precision, 2)
    out, report = infer(net, own, images, precision, chip=chip, mapping=mixed, keep=True)
    assert wrong_tensors(net, own, images, precision, out, report, chip) == []
    assert wrong_counts(net, precision, report, chip, 2, mixed) == []


@pytest.mark.parametrize("chip", [bf.Chip.limited(), bf.Chip(overlap=True, weights="streamed")])
def test_a_layer_costs_what_its_mapping_alone_says(chip):
    net = network()
    mixed = bf.Mapping.by_layer(TWO, {"odd": PAPER})
    of = {
        m: costs(plan(net, chip, m).at(bf.Precision.fixed(net, 5)), SRAM, len(net.layers))
        for m in (PAPER, TWO, mixed)
    }
    odd = [layer.name for layer in net.layers].index("odd")
    for alone, two, both in zip(*of.values(), strict=True):
        np.testing.assert_allclose(both[odd], alone[odd], rtol=1e-15)
        np.testing.assert_allclose(np.delete(both, odd, 0), np.delete(two, odd, 0), rtol=1e-15)
        assert (alone[odd] != two[odd]).any()


def test_arrays_of_ir_are_those_of_each_layer():
    net, ir = network(), bf.Chip.unlimited()
    many = bf.Mapping("many", TWO.lower, lambda product, rows, batch: 1000)
    mixed = bf.Mapping.by_layer(PAPER, {"even": many})
    assert plan(net, ir, mixed).chip.clusters == 16  # of 64 CAPs each
    assert plan(net, ir, PAPER).chip.clusters == 1


def test_equal_choices_are_equal_and_nested_ones_are_flat():
    one = bf.Mapping.by_layer(PAPER, {"odd": TWO})
    assert one == bf.Mapping.by_layer(PAPER, {"odd": TWO, "even": PAPER})
    assert hash(one) == hash(bf.Mapping.by_layer(PAPER, {"odd": TWO}))
    assert bf.Mapping.by_layer(one, {"odd": PAPER}) == PAPER
    assert repr(one) == "<Mapping paper, 1 layer by two per row>"


def test_a_phase_of_several_modes_is_priced_mode_by_mode():
    net = network()
    schedule = plan(net, bf.Chip.paper(), PAPER).at(bf.Precision.fixed(net, 4))
    flat, upright = schedule.phases["multiply"], schedule.phases["reduce"]
    assert isinstance(upright.mode, Vertical)
    both = joined([flat, Work(upright.layers + 1, upright.counts, upright.rows, upright.mode)])
    parts = both.by_mode()
    assert [work.layers.tolist() for work in parts] == [
        flat.layers.tolist(),
        (upright.layers + 1).tolist(),
    ]
    assert [both.mode_at(k) for k in range(2)] == [HORIZONTAL] * 2
    assert [both.mode_at(2 + k) for k in range(2)] == [upright.mode_at(k) for k in range(2)]
    schedule.__dict__["phases"] = {"multiply": both}
    apart = plan(net, bf.Chip.paper(), PAPER).at(bf.Precision.fixed(net, 4))
    apart.__dict__["phases"] = {"multiply": flat, "reduce": upright}
    for quantity in (0, 1):
        whole, sum_of_parts = (
            costs(one, SRAM, len(net.layers) + 1)[quantity].sum() for one in (schedule, apart)
        )
        np.testing.assert_allclose(whole, sum_of_parts, rtol=1e-14)
    seconds = event_totals(schedule).seconds(SRAM)
    np.testing.assert_allclose(seconds, event_totals(apart).seconds(SRAM), rtol=1e-14)
    joules = [event_totals(one).joules(SRAM, seconds) for one in (schedule, apart)]
    np.testing.assert_allclose(*joules, rtol=1e-14)


def test_what_is_no_choice_is_refused():
    net, chip = network(), bf.Chip.limited()
    with pytest.raises(bf.BfimnaError, match=r"'od'.*did you mean 'odd'"):
        plan(net, chip, bf.Mapping.by_layer(PAPER, {"od": TWO}))
    with pytest.raises(bf.BfimnaError, match="layer 'odd' must be a Mapping, not 'paper'"):
        bf.Mapping.by_layer(PAPER, {"odd": "paper"})
    with pytest.raises(bf.BfimnaError, match="default mapping must be a Mapping"):
        bf.Mapping.by_layer(None, {})
    with pytest.raises(bf.BfimnaError, match="mapping of layers' names to mappings, not 3"):
        bf.Mapping.by_layer(PAPER, 3)
    with pytest.raises(bf.BfimnaError, match="by layer itself"):
        bf.Mapping.by_layer(PAPER, {"odd": bf.Mapping.by_layer(PAPER, {"even": TWO})})
    with pytest.raises(bf.BfimnaError, match="name of a mapping must be text"):
        bf.Mapping.by_layer(PAPER, {"odd": TWO}, name="")
