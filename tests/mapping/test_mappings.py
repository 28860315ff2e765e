"""Every mapping: emulator = closed form = NumPy, whatever the widths, layers and chip."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.studies.exactness import wrong_counts, wrong_tensors

import bfimna as bf
from bfimna.cost.limits import costs
from bfimna.cost.totals import event_totals
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.plan import plan
from bfimna.network.graph import Builder, Layer
from tests.networks import SMALL, everything

MAPPINGS = (
    bf.Mapping.paper(),
    bf.Mapping.paper("three-pass"),
    bf.Mapping.fused(),
    bf.Mapping.fused("four-pass"),
    bf.Mapping.stationary(),
    bf.Mapping.stationary("four-pass", fused=False),
    bf.Mapping.accumulating(3),
    bf.Mapping.carry_save(),
    bf.Mapping.carry_save(2, 3, "four-pass", fused=False),
    bf.Mapping.accumulating(8, "four-pass", fused=False),
)
#: widths of both operands that find the columns, where not all do
WIDEST = {mapping.name: 15 for mapping in MAPPINGS if mapping.name.startswith("carry-save, 2")}
SRAM = bf.load_technology("sram-14nm-lstp")
ids = [mapping.name for mapping in MAPPINGS]


def equipped(chip, mapping):
    """Return a chip with the hardware that a mapping needs."""
    return replace(chip, latch="booth") if mapping.name.startswith("carry-save") else chip


def assert_exact(net, precision, chip, mapping, images=1):
    """Run a network on the emulator; compare its integers with NumPy, its counts with the model."""
    chip = equipped(chip, mapping)
    own, pixels = synthetic(net, precision), random_images(net, precision, images)
    out, report = infer(net, own, pixels, precision, chip=chip, mapping=mapping, keep=True)
    assert wrong_tensors(net, own, pixels, precision, out, report, chip) == []
    assert wrong_counts(net, precision, report, chip, images, mapping) == []


@st.composite
def layers(draw):
    """A network of one random convolution, an average over 5 × 5 and a linear layer."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels = groups * draw(st.integers(1, 2))
    size, kernel = draw(st.integers(5, 8)), draw(st.integers(1, 3))
    b = Builder("random", (channels, size, size))
    depthwise = draw(st.booleans())
    outputs = channels if depthwise else groups * draw(st.integers(1, 3))
    b.append(
        Layer(
            "conv", "conv", (b.input,), outputs, (kernel, kernel), (draw(st.integers(1, 2)),) * 2,
            (draw(st.integers(0, 1)),) * 4, (draw(st.integers(1, 2)),) * 2,
            groups=channels if depthwise else groups,
        )
    )  # fmt: skip
    x = "conv"
    if draw(st.booleans()):
        x = b.relu(x)
    more = b.conv("second", x, draw(st.integers(1, 4)), 1)
    b.linear("last", b.flatten(b.relu(more)), draw(st.integers(1, 3)))
    return b.network()


chips = st.builds(
    bf.Chip,
    clusters=st.integers(1, 3),
    caps_per_cluster=st.integers(1, 3),
    rows=st.sampled_from([12, 40, 200, 4800]),
)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=ids)
@given(data=st.data(), net=layers(), chip=chips, images=st.integers(1, 2))
@settings(max_examples=12, deadline=None)
def test_random_layers_are_exact(mapping, data, net, chip, images):
    widths = st.tuples(st.integers(1, 16), st.integers(1, 16))
    bits = {name: data.draw(widths) for name in net.matmul_names}
    precision = bf.Precision.by_layer(net, bits)
    try:
        plan(net, equipped(chip, mapping), mapping, images).at(precision)
    except bf.BfimnaError:  # too few columns for these widths: refused, and `fits` says so
        bits = {name: (min(w, 8), min(a, 8)) for name, (w, a) in bits.items()}
        precision = bf.Precision.by_layer(net, bits)
    assert_exact(net, precision, chip, mapping, images)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=ids)
@pytest.mark.parametrize("bits", range(1, 17))
def test_every_width_is_exact(mapping, bits):
    b = Builder("widths", (3, 4, 4))
    x = b.relu(b.conv("odd", b.input, 5, 3, padding=1))
    b.linear("even", b.flatten(b.pool("pool", x, 2, 2)), 3)
    net = b.network()
    precision = bf.Precision.fixed(net, bits)
    if bits > WIDEST.get(mapping.name, 16):
        with pytest.raises(bf.BfimnaError, match="columns in phase multiply"):
            plan(net, equipped(SMALL, mapping), mapping, 2).at(precision)
    else:
        assert_exact(net, precision, SMALL, mapping, 2)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=ids)
@pytest.mark.parametrize("bits", [3, 8])
def test_a_network_of_every_kind_is_exact(mapping, bits):
    net = everything()
    assert_exact(net, bf.Precision.fixed(net, bits), SMALL, mapping)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=ids)
def test_a_dot_product_of_100_000_has_a_closed_form(mapping):
    b = Builder("long", (100_000, 1, 1))
    b.linear("sum", b.linear("long", b.flatten(b.input), 10), 2)
    net = b.network()
    schedule = plan(net, equipped(bf.Chip.limited(), mapping), mapping).at(
        bf.Precision.fixed(net, 8)
    )
    assert all(np.all(np.isfinite(work.counts.cycles)) for work in schedule.phases.values())
    assert schedule.folds[0] == 1


@pytest.mark.parametrize("mapping", MAPPINGS, ids=ids)
def test_many_precisions_are_priced_as_each_of_them(mapping):
    net = everything()
    unlimited = replace(SMALL, max_power_density_w_per_m2=None, max_current_a=None)
    resolved = plan(net, equipped(unlimited, mapping), mapping)
    many = [bf.Precision.fixed(net, bits) for bits in (1, 4, 8)]
    together = event_totals(resolved.at(many))
    seconds = together.seconds(SRAM)
    joules = together.joules(SRAM, seconds)
    for k, precision in enumerate(many):
        one = event_totals(resolved.at(precision))
        assert seconds[k] == pytest.approx(float(one.seconds(SRAM)), rel=1e-13)
        assert joules[k] == pytest.approx(float(one.joules(SRAM, seconds[k])), rel=1e-13)
        times, energies = costs(resolved.at(precision), SRAM, len(net.layers))
        assert seconds[k] == pytest.approx(times.sum(), rel=1e-12)
        assert joules[k] == pytest.approx(energies.sum(), rel=1e-12)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=ids)
def test_a_mapping_is_a_value_that_says_which_products_fit(mapping):
    assert mapping == mapping.__class__(*vars(mapping).values())
    net = everything()
    resolved = plan(net, equipped(bf.Chip(columns=40), mapping), mapping)
    for bits in (2, 16):
        precision = bf.Precision.fixed(net, bits)
        widths = bf.network.bits.Bits.from_precision(net, precision)
        own = resolved.storage.words(widths).at(resolved.storage.index)
        fitting = resolved.products.fits(widths, own)
        assert fitting.shape == (len(net.matmuls),)
        assert fitting.all() == (bits == 2)
