"""Whole layers worked by hand: from docs/model.md and data/ alone, in plain Python and NumPy.

Nothing here uses the package but to read the report that is compared: passes are run on rows of
bits written for this file, tiles are found by trying all, and prices are read from the CSV files.
LR: 64 clusters of 64 CAPs of 4800 × 72 cells and one MAP each; segments, multicast, latches. As the
paper assumes: weights and tensors resident, images free, clears with the load. As built: what the
MAPs do not hold moves to and from DRAM, and a load that clears takes a cycle more.
"""

import csv
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from math import ceil, log2
from pathlib import Path

import numpy as np
import pytest

import bfimna as bf

DATA = Path(__file__).parents[1] / "data"
CLUSTERS, CAPS, ROWS, COLUMNS, MAPS = 64, 64 * 64, 4800, 72, 64
MATS = 16  # of a CAP, along its rows
CYCLES = ("compares", "writes", "loads", "reads", "shifts")
FEMTO, NANO, PICO, GIGA = 1e-15, 1e-9, 1e-12, 1e9
RANDOM_PAIRS = 1 << 15  # where not all pairs of operands can be tried

# ---- data ------------------------------------------------------------------------------------


def rows_of(name):
    with (DATA / name).open() as file:
        return list(csv.DictReader(file))


@lru_cache
def price(parameter):
    found = [r for r in rows_of("technologies/derived.csv")
             if (r["technology"], r["parameter"]) == ("sram-14nm-lstp", parameter)]  # fmt: skip
    return float(found[0]["value"])


@lru_cache
def component(name, parameter):
    found = [r for r in rows_of("published/components.csv")
             if (r["component"], r["parameter"]) == (name, parameter)]  # fmt: skip
    return float(found[0]["value"])


# ---- programs, pass by pass on rows of bits ---------------------------------------------------


class Bits:
    """Rows of bits, one array per column; counts per row what passes match and write."""

    def __init__(self, rows):
        self.rows, self.events, self.columns = rows, Counter(), {}

    def word(self, name, bits, values=0):
        for k in range(bits):
            self.columns[name, k] = np.broadcast_to((values >> k) & 1, self.rows).astype(bool)

    def step(self, key, write):
        """Compare the key, write where it matches: one pass."""
        tag = np.ones(self.rows, dtype=bool)
        for column, bit in key:
            tag &= self.columns[column] == bool(bit)
        for column, bit in write:
            self.columns[column] = np.where(tag, bool(bit), self.columns[column])
        share = float(tag.mean())
        self.events.update(compares=1, compare_rows=1, key_cells=len(key), rows_matched=share)
        self.written(len(write), share, 1)

    def written(self, columns, share, cycles):
        self.events.update(writes=cycles, lines_driven=columns, words_written=share,
                           cells_written=share * columns)  # fmt: skip

    def clear(self, *columns):
        """A write of its own that clears columns of every row."""
        for column in columns:
            self.columns[column] = np.zeros(self.rows, dtype=bool)
        self.written(len(columns), 1.0, 1)

    def value(self, name, bits):
        return sum(self.columns[name, k].astype(np.int64) << k for k in range(bits))


def add_column(bits, a, p, c, control=None):
    """The full adder of section 1; a carry of 1 says that the control is 1, so it is not driven."""
    on = () if control is None else ((control, 1),)
    bits.step([(a, 0), (p, 0), (c, 1)], [(p, 1), (c, 0)])
    bits.step([(a, 0), (p, 1), (c, 1)], [(p, 0)])
    bits.step([*on, (a, 1), (p, 1), (c, 0)], [(p, 0), (c, 1)])
    bits.step([*on, (a, 1), (p, 0), (c, 0)], [(p, 1)])


def subtract_column(bits, a, p, c, control):
    """The full subtractor, p - a - c: 011→p0c0, 001→p1, 100→p1c1, 110→p0."""
    bits.step([(a, 0), (p, 1), (c, 1)], [(p, 0), (c, 0)])
    bits.step([(a, 0), (p, 0), (c, 1)], [(p, 1)])
    bits.step([(control, 1), (a, 1), (p, 0), (c, 0)], [(p, 1), (c, 1)])
    bits.step([(control, 1), (a, 1), (p, 1), (c, 0)], [(p, 0)])


@lru_cache
def multiplied(multiplier_bits, bits, signed):
    """Multiply: multiplier · multiplicand, the carry of partial product j in column j + bits."""
    n = multiplier_bits + bits
    if n <= 16:
        pairs = np.arange(1 << n)
        b, a = pairs >> bits, pairs & ((1 << bits) - 1)
    else:
        random = np.random.default_rng(1)
        b = random.integers(0, 1 << multiplier_bits, RANDOM_PAIRS)
        a = random.integers(0, 1 << bits, RANDOM_PAIRS)
    array = Bits(len(a))
    array.word("b", multiplier_bits, b)
    array.word("a", bits, a)
    array.word("p", n)
    for j in range(multiplier_bits):
        step = subtract_column if signed and j == multiplier_bits - 1 else add_column
        for k in range(bits):
            step(array, ("a", k), ("p", j + k), ("p", j + bits), ("b", j))
    value = b - ((b >> (multiplier_bits - 1)) << multiplier_bits) if signed else b
    expected = a * value
    assert (array.value("p", n) == expected % (1 << n)).all()  # it does multiply
    return array.events, expected


@lru_cache
def maximum(bits):
    """The larger of two words of any bits: flags u (a won), v (b won), from the top bit down."""
    pairs = np.arange(1 << 2 * bits)
    array = Bits(len(pairs))
    array.word("a", bits, pairs >> bits)
    array.word("b", bits, pairs)
    array.clear("u", "v")
    for k in reversed(range(bits)):
        a, b = ("a", k), ("b", k)
        if k == bits - 1:
            array.step([(a, 0), (b, 1)], [("v", 1)])
            array.step([(a, 1), (b, 0)], [(b, 1), ("u", 1)])
            continue
        array.step([(a, 0), (b, 1), ("u", 0), ("v", 0)], [("v", 1)])
        array.step([(a, 0), (b, 1), ("u", 1)], [(b, 0)])
        array.step([(a, 1), (b, 0), ("v", 0)], [(b, 1), ("u", 1)])
    larger = np.maximum(pairs >> bits, pairs & ((1 << bits) - 1))
    assert (array.value("b", bits) == larger).all()
    return array.events


def passes(columns):
    """A full adder on random columns: 0.5 matches and 0.75 cells per column."""
    return Counter(compares=4 * columns, writes=4 * columns, compare_rows=4 * columns,
                   key_cells=12 * columns, lines_driven=6 * columns, rows_matched=0.5 * columns,
                   words_written=0.5 * columns, cells_written=0.75 * columns)  # fmt: skip


def load(columns):
    return Counter(loads=columns, cells_loaded=columns)


def read(columns):
    return Counter(reads=columns, cells_read=columns)


def along(columns, own, loads=1):
    """Columns cleared along with loads: no cycle and no word, or a write of its own each."""
    clears = loads * own if columns else 0
    return Counter(cells_written=columns, lines_driven=columns, writes=clears,
                   words_written=clears)  # fmt: skip


def one_bit(columns):
    """A pass with one random key column that writes so many."""
    return Counter(compares=1, writes=1, compare_rows=1, key_cells=1, rows_matched=0.5,
                   words_written=0.5, cells_written=0.5 * columns,
                   lines_driven=columns)  # fmt: skip


def clamp(bits, fitting):
    """4 passes: the two upper columns agree (twice), then the largest or smallest value."""
    return Counter(compares=4, writes=4, compare_rows=4, key_cells=2 * 2 + 2 * 2, rows_matched=1.0,
                   words_written=1.0, cells_written=fitting + (1 - fitting) * bits,
                   lines_driven=2 + 2 * bits)  # fmt: skip


def total_of(*programs):
    found = Counter()
    for one in programs:
        found.update(one)
    return found


def repeat(program, folds, rows):
    return Counter({e: x * (folds if e in CYCLES else rows) for e, x in program.items()})


# ---- the reduction ----------------------------------------------------------------------------


def tree(length):
    """Levels of a Wallace tree: every three rows become two until two are left."""
    levels = 0
    while length > 2:
        length, levels = length - length // 3, levels + 1
    return levels


def joined(length, columns, folds, sums):
    """12 cycles per level; each join an adder over rows and its carries' hand-over, per column."""
    kept = 0.5 * (columns - 1) / columns  # the top column's carry is dropped
    hand_over = Counter(compares=1, writes=2, shifts=1, compare_rows=1, key_cells=1,
                        rows_matched=0.5, words_written=1 + kept, cells_written=1 + kept,
                        lines_driven=2, tags_shifted=1)  # fmt: skip
    joins = max(length - 2, 0)
    step = total_of(passes(1), hand_over)
    return repeat(step, tree(length) * folds, sums * joins * columns)


# ---- prices (section 2) -----------------------------------------------------------------------


def seconds(events, attached, joining=0.0):
    """A cycle's own part, its key's register, and what is attached; ns of joining mats."""
    each = {"compares": "compare", "writes": "write", "loads": "load", "reads": "read"}
    ns = {e: price(f"{p}_time") + attached * price(f"{p}_time_per_attached_cell") + joining
          for e, p in each.items()} | {"shifts": price("shift_time")}  # fmt: skip
    ns["loads"] += price("latch_time")
    return NANO * sum(events[event] * (time + price("key_register_time"))
                      for event, time in ns.items())  # fmt: skip


def tree_seconds(events, length, folds):
    """The levels of a reduction, each with as many cycles, and the change of mode and back.

    The rows of a group are shared by a level's joins; of a segment longer than a mat, the mat's
    rows are attached, and its mats are joined pairwise.
    """
    spans, left, mat = [], length, ROWS / MATS
    while left > 2:
        spans.append(length / (left // 3))
        left -= left // 3
    total = 0.0
    for span in spans:
        level = {cycle: events[cycle] / len(spans) for cycle in CYCLES}
        attached = min(span, mat) * price("vertical_time_factor")
        joining = ceil(log2(ceil(span / mat))) * price("vertical_mat_time")
        total += seconds(level, attached, joining)
    cuts = events["shifts"] * price("segment_switch_time")
    return total + NANO * (cuts + 2 * folds * price("mode_switch_time"))


def tree_joules(rows, length):
    """Of all rows of groups of this length: two changes of mode, switches set in each level."""
    change = 2 * price("mode_switch_energy_per_row")
    return (
        FEMTO * rows * (change + tree(length) * COLUMNS * price("segment_switch_energy_per_cell"))
    )


def joules(events, attached):
    line = price("compare_energy_per_attached_cell") * attached
    word = price("write_energy_per_attached_cell") * attached
    gate = price("write_energy_per_gate_cell")
    staged = price("latch_energy_per_bit") + price("pick_energy_per_bit")
    register = price("key_register_energy_per_bit")
    control = CLUSTERS * 1e3 * price("controller_energy_per_cycle")  # of pJ
    control += CAPS * 2 * COLUMNS * register
    fj = {
        "compare_rows": price("compare_energy_per_row") + line,
        "rows_matched": -price("match_kept") * line - price("match_saves_per_row"),
        "key_cells": price("compare_energy_per_key_cell"),
        "words_written": word,
        "cells_written": price("write_energy_per_cell"),
        "lines_driven": price("write_energy_per_line_cell") + gate,
        "cells_loaded": price("load_energy_per_cell")
        + price("load_energy_per_attached_cell") * attached
        + gate
        + staged,
        "cells_read": price("read_energy_per_row")
        + price("read_energy_per_attached_cell") * attached,
        "tags_shifted": price("shift_energy_per_tag"),
        **dict.fromkeys(CYCLES, control),
    }
    return FEMTO * sum(events[event] * energy for event, energy in fj.items())


def moved(taken, returned, dram):
    """Bits on buses and mesh, seconds and joules: operands cross both, results the bus.

    DRAM works beside them.
    """
    hops = 2 / 3 * (8 - 1 / 8)
    bus, mesh = taken + returned, taken * hops
    from_dram = dram / 8 / (GIGA * component("external DRAM", "bandwidth"))
    slowest = max(bus / (CLUSTERS * 1024 * 1e9), mesh / (4 * 8 * 7 * 1024 * 1e9), from_dram)
    energy = bus * (component("cluster bus", "energy")
                    + CAPS // CLUSTERS * component("multicast", "energy"))  # fmt: skip
    energy += mesh * component("mesh router", "energy") / component("mesh router", "width")
    return bus, mesh, slowest, PICO * (energy + dram * component("external DRAM", "energy"))


# ---- what the MAPs hold (section 3) -----------------------------------------------------------

MAP_BITS = CLUSTERS * ROWS * COLUMNS
IMAGE = 3 * 224**2
WEIGHTS = {
    "alexnet": [64 * 3 * 121, 192 * 64 * 25, 384 * 192 * 9, 256 * 384 * 9, 256 * 256 * 9,
                4096 * 9216, 4096 * 4096, 1000 * 4096],
    "resnet18": [
        64 * 3 * 49, *[64 * 64 * 9] * 4,
        *(n for c in (128, 256, 512) for n in
          (c * c // 2 * 9, c * c * 9, c * c // 2, c * c * 9, c * c * 9)),
        1000 * 512,
    ],
    "vgg16": [c * k for c, k in (
        (64, 27), (64, 576), (128, 576), (128, 1152), (256, 1152), *[(256, 2304)] * 2, (512, 2304),
        *[(512, 4608)] * 5, (4096, 25088), (4096, 4096), (1000, 4096),
    )],
}  # fmt: skip
#: elements of the two tensors that are live together where tensors take most
LIVE = {
    "alexnet": IMAGE + 64 * 55**2,  # while the first convolution runs
    "resnet18": 64 * 112**2 + 64 * 56**2,  # while the first pooling runs
    "vgg16": 2 * 64 * 224**2,  # while the second convolution runs
}
ORDER = {
    "alexnet": ["features.0", "features.3", "", "", "", "classifier.1"],
    "resnet18": ["conv1", "layer1.0.conv1", *[""] * 5, "layer2.0.downsample.0"],
    "vgg16": ["features.0", "features.2"],
}


def dram_of(network, bits):
    """Bits to and from DRAM of the layers that are worked here, as built."""
    room, moved_bits = max(MAP_BITS - LIVE[network] * bits, 0), {}
    for name, weights in zip(ORDER[network], WEIGHTS[network], strict=False):
        stays = min(weights * bits, room)
        room -= stays
        moved_bits[name] = weights * bits - stays
    if network == "vgg16":  # the first tensor takes what the image leaves, the second the rest
        size = 64 * 224**2 * bits
        first = max(size - (MAP_BITS - IMAGE * bits), 0)
        second = max(size - (MAP_BITS - (size - first)), 0)
        moved_bits["features.0"] += first
        moved_bits["features.2"] += first + second  # one is read, the other written
    moved_bits[ORDER[network][0]] += IMAGE * bits
    return moved_bits


# ---- layers -----------------------------------------------------------------------------------


def tile(i, j, image, kernel, stride, source, channels, share, w, a):
    """Bits of the tile of c channels × p positions that moves least, by trying all."""
    height, width = image
    dots, c = i * height * width, np.arange(1, i + 1)
    least = np.inf
    for p in range(1, min(share, height * width) + 1):
        spans = [(n - 1) * stride + kernel for n in (ceil(p / width), min(p, width))]
        covered = min(spans[0], source) * min(spans[1], source)
        pixels = channels * min(covered, p * kernel**2)
        fitting = c[c * p <= share]
        if len(fitting):
            bits = dots / (fitting * p) * (fitting * j * w + pixels * a)
            least = min(least, bits.min())
    return least


def convolution(i, channels, kernel, stride, image, source, w, a, out, sign, own):
    """Phases of a weighted layer whose result is stored at `out` bits (and a sign, if read so)."""
    j, dots = channels * kernel**2, i * image[0] * image[1]
    splits = ceil(j / ROWS)
    part = ceil(j / splits)
    assert part * splits == j  # all parts are alike in the layers chosen
    per_cap = ROWS // part if splits == 1 else 1
    folds = ceil(ceil(dots * splits / per_cap) / CAPS)
    growth = ceil(log2(j))
    total, left, products = w + a + growth, 2 * splits, dots * j
    dense, m = ceil(dots / (CAPS * ROWS)), out + 1
    rescaled, product = multiplied(total, m, True)
    top = product >> (total + m - (out + 1) - 1)  # so many columns above the shift are left
    fitting = float(((top >= -(1 << out)) & (top < 1 << out)).mean())
    clears = Counter(writes=total - 1, words_written=total - 1, cells_written=total - 1,
                     lines_driven=total - 1)  # fmt: skip
    packed = {
        # a flag for the clamp and the carry of each addition are cleared along
        "carry": total_of(load(total * left), along(left, own, left), passes(total * (left - 1))),
        "bias": total_of(load(total), along(1, own), passes(total)),
        "requantise": total_of(
            load(m), along(m + 1, own), rescaled, clears, clamp(out + 1, fitting)
        ),
    }
    extend = repeat(one_bit(growth), folds, products)
    sums = repeat(read(total), folds, dots * left)
    phases = {
        "load": repeat(total_of(load(w + a), along(total, own)), folds, products),
        "multiply": total_of(repeat(multiplied(w, a, True)[0], folds, products), extend),
        "reduce": joined(part, total, folds, dots * splits),
        "read": total_of(sums, repeat(read(out + sign), dense, dots)),
        **{phase: repeat(program, dense, dots) for phase, program in packed.items()},
    }  # fmt: skip
    share = ceil(dots / (folds * CLUSTERS))
    taken = tile(i, j, image, kernel, stride, source, channels, share, w, a)
    reduced = {"reduce": (part, folds, products)}
    return phases, reduced, taken, dots * (left * total + out + sign)


def pooled(bits, own):
    """maxpool of ResNet18: 64 × 112² → 56², 3 × 3 every 2, of words without signs."""
    elements = 64 * 56**2
    stream = total_of(load(9 * bits), *[maximum(bits)] * 8, read(bits))
    phases = {"pool": repeat(stream, 1, elements)}
    return phases, {}, 64 * 112**2 * bits, elements * bits


def mean(bits, own):
    """avgpool of ResNet18: 512 × 7² → 1, over rows: 49 rows become 2, added, scaled."""
    windows, total, m = 512, bits + 6, bits + 1
    assert windows <= CAPS * (ROWS // 49)  # one fold
    spread = repeat(total_of(load(bits), along(6, own)), 1, windows * 49)
    leaves = repeat(read(total), 1, 2 * windows)
    scaled = total_of(load(m), along(total + m, own), multiplied(total, m, False)[0])
    dense = total_of(load(2 * total), along(2, own, 2), passes(total), scaled, read(bits))
    phases = {
        "pool": total_of(spread, leaves, repeat(dense, 1, windows)),
        "reduce": joined(49, total, 1, windows),
    }
    stream = 49 * bits + 48 * 8 * total + m + 8 * total * m + bits
    taken = sum(phases[p][cycle] for p in phases for cycle in CYCLES)
    assert taken < stream  # what makes it run over rows
    returned = windows * (2 * total + bits)
    return phases, {"reduce": (49, 1, windows * 49)}, windows * 49 * bits, returned


def residual(bits, own):
    """layer1.0.add: a signed word and one without sign, 64 × 56² of them; its ReLU in place."""
    elements, word = 64 * 56**2, bits + 1
    program = total_of(
        load(2 * (word + 1)), along(2, own), passes(word + 1), clamp(word, 0.5), read(bits)
    )
    phases = {"residual": repeat(program, 1, elements)}
    return phases, {}, elements * (bits + word), elements * bits


def relu(bits, own):
    """layer1.0.conv1.relu, on words that lie in their rows: it moves nothing."""
    return {"relu": repeat(one_bit(bits + 1), 1, 64 * 56**2)}, {}, 0, 0


def conv(*shape, sign=0):
    return lambda bits, own: convolution(*shape, bits, bits, bits, sign, own)


LAYERS = {
    ("alexnet", "features.0"): conv(64, 3, 11, 4, (55, 55), 224),
    ("alexnet", "features.3"): conv(192, 64, 5, 1, (27, 27), 27),
    ("alexnet", "classifier.1"): conv(4096, 9216, 1, 1, (1, 1), 1),
    ("resnet18", "layer1.0.conv1"): conv(64, 64, 3, 1, (56, 56), 56),
    ("resnet18", "layer2.0.downsample.0"): conv(128, 64, 1, 2, (28, 28), 56, sign=1),
    ("resnet18", "layer1.0.conv1.relu"): relu,
    ("resnet18", "layer1.0.add"): residual,
    ("resnet18", "maxpool"): pooled,
    ("resnet18", "avgpool"): mean,
    ("vgg16", "features.0"): conv(64, 3, 3, 1, (224, 224), 224),
    ("vgg16", "features.2"): conv(64, 64, 3, 1, (224, 224), 224),
}
#: events that follow from random operands; where not all pairs are tried, both sides draw a sample
SAMPLED = {"rows_matched", "words_written", "cells_written"}


@lru_cache
def report(network, bits, chip):
    # limits of power and current, which LR has, are worked by hand in tests/cost/test_limits.py
    free = {"max_power_density_w_per_m2": None, "max_current_a": None}
    own = replace(bf.load_chip(chip), **free)
    return bf.simulate(network, bits, own, "sram-14nm-lstp")


@pytest.mark.parametrize("chip", ["paper", "LR"])
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize(("network", "layer"), LAYERS)
def test_a_layer_is_what_the_document_says(network, layer, bits, chip):
    built = chip == "LR"
    phases, reduced, taken, returned = LAYERS[network, layer](bits, built)
    dram = dram_of(network, bits).get(layer, 0) if built else 0
    table = report(network, bits, chip).layers
    rows = table[table.layer == layer].set_index("phase")
    assert set(rows.index) == {*phases, "leakage", *(["traffic"] if taken else [])}
    all_seconds = all_joules = 0.0
    for phase, events in phases.items():
        row = rows.loc[phase]
        loose = 5e-3 if phase in ("requantise", "pool") else 1e-9
        for event in (*CYCLES, "compare_rows", "key_cells", "cells_loaded", "cells_read",
                      "tags_shifted", "lines_driven", *sorted(SAMPLED)):  # fmt: skip
            rel = loose if event in SAMPLED else 1e-12
            assert events[event] == pytest.approx(row[event], rel=rel), (phase, event)
        if phase in reduced:  # rows of a group, folds, rows of all groups
            length, folds, every_row = reduced[phase]
            time = tree_seconds(events, length, folds)
            attached = length * tree(length) / (length - 2) * price("vertical_energy_factor")
            energy = joules(events, attached) + tree_joules(every_row, length)
        else:
            time, energy = seconds(events, COLUMNS), joules(events, COLUMNS)
        assert time == pytest.approx(row.latency_s, rel=1e-12), phase
        assert energy == pytest.approx(row.energy_j, rel=loose), phase
        all_seconds, all_joules = all_seconds + time, all_joules + energy
    if taken:
        bus, mesh, time, energy = moved(taken, returned, dram)
        row = rows.loc["traffic"]
        stated = (row.bus_bits, row.mesh_bit_hops, row.dram_bits, row.latency_s, row.energy_j)
        assert (bus, mesh, dram, time, energy) == pytest.approx(stated, rel=1e-12)
        all_seconds, all_joules = all_seconds + time, all_joules + energy
    leaks = (CAPS + MAPS) * ROWS * COLUMNS * price("leakage_per_cell")
    leaks += CAPS * ROWS * 16 * price("latch_leakage_per_bit")
    leaks += CAPS * 2 * COLUMNS * price("key_register_leakage_per_bit")
    leaks += CLUSTERS * price("controller_leakage")
    leaked = leaks * NANO * all_seconds
    assert leaked == pytest.approx(rows.energy_j["leakage"], rel=1e-12)
    assert all_seconds == pytest.approx(rows.latency_s.sum(), rel=1e-12)
    assert all_joules + leaked == pytest.approx(rows.energy_j.sum(), rel=1e-3)
    # sums of phases are the totals
    one = report(network, bits, chip)
    assert one.phases.latency_s.sum() == pytest.approx(one.latency_s)
    assert table.energy_j.sum() == pytest.approx(one.energy_j)


def test_the_layers_as_built_are_of_every_sort():
    """Some have all their weights in the MAPs, some a part, some none; some spill, some wait."""
    eight = {network: dram_of(network, 8) for network in WEIGHTS}
    assert eight["resnet18"]["layer1.0.conv1"] == eight["alexnet"]["features.3"] == 0
    assert eight["alexnet"]["classifier.1"] == 4096 * 9216 * 8
    room = MAP_BITS - 4 * (LIVE["alexnet"] + sum(WEIGHTS["alexnet"][:5]))
    assert dram_of("alexnet", 4)["classifier.1"] == 4096 * 9216 * 4 - room > 0 < room
    spilled = eight["vgg16"]["features.0"] - 8 * (IMAGE + 64 * 27)
    assert spilled == 8 * (64 * 224**2 + IMAGE) - MAP_BITS
    assert dram_of("vgg16", 4)["features.0"] == 4 * IMAGE + 4 * 64 * 27  # its tensor fits then
    assert dram_of("vgg16", 4)["features.2"] > 4 * 64 * 576
