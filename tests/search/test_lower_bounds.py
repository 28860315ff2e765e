"""Lower bounds of any mapping: by hand, and never above what a mapping of the package costs."""

from dataclasses import replace

import numpy as np
import pytest

import bfimna as bf
from bfimna.network.bits import Bits
from bfimna.network.graph import Builder, Layer
from bfimna.search.lower_bounds import lower_bounds
from bfimna.search.mapping_choice import checked_candidates, mapping

SRAM = bf.load_technology("sram-14nm-lstp")


def drawn(seed):
    """A network of a random layer between two others, its widths, a chip, a batch."""
    rng = np.random.default_rng(seed)
    groups, size = int(rng.choice([1, 1, 2, 4])), int(rng.integers(8, 16))
    kernel, stride, dilation = (int(rng.integers(1, high)) for high in (4, 4, 3))
    channels = groups * int(rng.integers(1, rng.choice([4, 30])))
    b = Builder(f"drawn-{seed}", (channels, size, size))
    pad = (int(rng.integers(0, 2)),) * 4
    out = groups * int(rng.integers(1, 20))
    kinds = {"kernel": (kernel,) * 2, "stride": (stride,) * 2, "dilation": (dilation,) * 2}
    b.append(Layer("one", "conv", (b.input,), out, padding=pad, groups=groups, **kinds))
    x = b.pool("pool", b.relu("one"), 1, 2)
    b.linear("last", b.flatten(x), int(rng.integers(1, 40)))
    net = b.network()
    bits = {name: tuple(rng.integers(1, 9, 2).tolist()) for name in net.matmul_names}
    chip = bf.Chip(
        rows=int(rng.choice([9, 64, 4800])), clusters=int(rng.choice([1, 1, 4, 9])),
        caps_per_cluster=int(rng.choice([1, 3, 64])), overlap=bool(rng.integers(2)),
        weights=str(rng.choice(["resident", "streamed"])), latch=str(rng.choice(["row", "booth"])),
    )  # fmt: skip
    return net, bf.Precision.by_layer(net, bits), chip, int(rng.choice([1, 3]))


@pytest.mark.parametrize("seed", range(60))
def test_no_mapping_of_the_package_beats_the_bound(seed):
    net, precision, chip, batch = drawn(seed)
    costs = mapping(net, precision, chip, SRAM, batch=batch).costs
    least = lower_bounds(net, precision, chip, SRAM, batch)
    assert len(costs.mappings) + len(costs.refused) == len(checked_candidates(None))
    assert (costs.seconds >= least.seconds * (1 - 1e-12)).all()
    assert (costs.joules >= least.joules * (1 - 1e-12)).all()
    for one in costs.mappings:
        resolved = bf.plan(net, chip, one, batch)
        if resolved.fits(Bits.from_precision(net, precision)).all():
            schedule = resolved.at(precision)
            moved, products = schedule.traffic, schedule.layers
            assert (moved.bus_bits >= least.bus_bits[moved.layers] * (1 - 1e-12)).all()
            own = schedule.words.at(products)
            taken, _ = resolved.products.moved(schedule.bits, own, "microcode")
            assert (taken >= least.operand_bits[products] * (1 - 1e-12)).all()


def test_one_layer_by_hand():
    b = Builder("hand", (3, 5, 5))
    b.conv("only", b.input, 4, 3)  # 4 × 27 weights, 9 positions: 36 dot products
    net = b.network()
    chip = replace(bf.Chip.paper(), clusters=4, caps_per_cluster=2, rows=100, columns=60)
    least = lower_bounds(net, (2, 5), chip, SRAM)
    total = 2 + 5 + 5  # ⌈log2 27⌉ = 5
    assert least.bus_bits.tolist() == [0, 4 * 27 * 2 + 75 * 5 + 36 * total]
    assert least.adders.tolist() == [0, 36 * 26 * 0.75 * 2]
    both = 3 * (SRAM.compare_s + SRAM.write_s + 2 * SRAM.key_register_s)
    each_cell = 3 * (SRAM.compare_s_per_cell + SRAM.write_s_per_cell)
    per_row = both + 3 * each_cell
    down = both + SRAM.vertical_time_factor * each_cell
    each = min(per_row, down * 3 / 60) / 800
    assert least.adders_s[1] == pytest.approx(36 * 26 * 1.5 * each, rel=1e-12)
    bus = (216 + 375 + 432) / (4 * 1024 * 1e9)
    mesh = (216 + 375) * 1.0 / (8 * 1024 * 1e9)  # mean of a 2 × 2 mesh: ⅔ (2 - ½)
    assert least.traffic_s[1] == pytest.approx(max(bus, mesh), rel=1e-12)
    assert least.latency_s == pytest.approx(least.traffic_s[1] + least.adders_s[1], rel=1e-12)


def test_a_product_of_length_one_adds_nothing():
    b = Builder("depthwise", (4, 6, 6))
    b.append(Layer("scale", "conv", (b.input,), 4, (1, 1), groups=4))
    least = lower_bounds(b.network(), 8, "LR", SRAM)
    assert not least.adders.any()
    assert least.latency_s > 0


def test_overlap_hides_the_shorter_of_both():
    for clock in (1e6, 1e12):
        chip = bf.Chip(clock_hz=clock, overlap=True)
        least = lower_bounds("alexnet", 8, chip, SRAM)
        longer = np.maximum(least.traffic_s, least.adders_s)
        assert least.latency_s == pytest.approx(longer.sum())
        whole = lower_bounds("alexnet", 8, replace(chip, overlap=False), SRAM)
        assert least.latency_s < whole.latency_s


def test_what_it_shows():
    least = lower_bounds("alexnet", 4, "IR", "sram-14nm-lstp", batch=2)
    assert repr(least).startswith("<LowerBounds: ")
    assert "classifier.6" in least._repr_html_()
    with pytest.raises(bf.BfimnaError, match="batch"):
        lower_bounds("alexnet", 4, "LR", SRAM, batch=0)
