"""One layer under every mapping, worked by hand from docs/model.md alone, in plain Python.

A convolution of 16 channels to 24, 3 × 3, on an image of 8 × 8 with padding: k = 144, 1536 dot
products; weights of 6 bits, activations of 5; its results are read by a layer of 4 bits. On LR,
whose 4096 CAPs of 4800 rows hold all of it at once under each mapping.
"""

from collections import Counter
from dataclasses import replace
from math import ceil, log2

import numpy as np
import pytest

import bfimna as bf
from bfimna.mapping.plan import plan
from bfimna.network.graph import Builder

K, DOTS, MW, MA, OUT = 144, 1536, 6, 5, 4
CAPS, ROWS = 4096, 4800
N, TOTAL, M = MW + MA, MW + MA + ceil(log2(K)), OUT + 1
DIGITS = (M + 2) // 2
COMPARED = (
    "compares", "writes", "loads", "reads", "shifts", "compare_rows", "lines_driven",
    "cells_loaded", "cells_read", "tags_shifted", "key_cells",
)  # fmt: skip


def events(rows, cycles=1, **amounts):
    """Return amounts of one row in one run: cycles count once a run, other events in every row."""
    names = ("compares", "writes", "loads", "reads", "shifts")
    return Counter({e: a * (cycles if e in names else rows) for e, a in amounts.items()})


def passes(number, keys, lines):
    return {"compares": number, "writes": number, "compare_rows": number, "key_cells": keys,
            "lines_driven": lines}  # fmt: skip


def merged(*parts, times=1):
    total = Counter()
    for part in parts:
        total.update({event: times * amount for event, amount in part.items()})
    return total


def adder(columns, three):
    return passes(3 * columns, 7 * columns, 5 * columns) if three else passes(
        4 * columns, 12 * columns, 6 * columns)  # fmt: skip


def multiply():
    return passes(4 * MW * MA, 14 * MW * MA, 6 * MW * MA)


def one_pass(columns):
    return passes(1, 1, columns)


def clear(columns):
    return {"writes": 1, "lines_driven": columns}


def loaded(columns, cleared=0):
    return {"loads": columns, "cells_loaded": columns, "lines_driven": cleared}


def read(columns):
    return {"reads": columns, "cells_read": columns}


def join(three):
    """Three rows to two in a column: adder, then compare, shift, clear, write."""
    handed = {"compares": 1, "writes": 2, "shifts": 1, "compare_rows": 1, "key_cells": 1,
              "lines_driven": 2, "tags_shifted": 1}  # fmt: skip
    return merged(adder(1, three), handed)


def levels(rows):
    """Levels of the tree, a third of the rows joined in each."""
    count = 0
    while rows > 2:
        rows, count = rows - rows // 3, count + 1
    return count


def tree(rows, columns, groups, three):
    joins = max(rows - 2, 0)
    return events(columns * joins * groups, levels(rows), **join(three))


def packed(three, left=2):
    """Carry, bias and requantise, an output a row; in one fold."""
    carry = merged(loaded(left * TOTAL, left), adder(TOTAL * (left - 1), three))
    bias = merged(loaded(TOTAL, 1), adder(TOTAL, three))
    clamp = passes(4, 2 * 2 + 4, 2 + 2 * (OUT + 1))  # from a column more
    product = passes(4 * TOTAL * M, 14 * TOTAL * M, 6 * TOTAL * M)
    scale = merged(
        loaded(M, M + 1), product, {"writes": TOTAL - 1, "lines_driven": TOTAL - 1}, clamp
    )
    each = {"carry": carry, "bias": bias, "requantise": scale}
    return {phase: events(DOTS, **row) for phase, row in each.items()}


def fused(whole):
    """Load and read more than before, carry, the tree of copies, the last addition and clamp."""
    wide, rows = TOTAL + M, (2 if whole else 1) * DIGITS + 1
    assert CAPS * (ROWS // rows) >= DOTS
    resolve = merged(loaded(2 * TOTAL, 2), adder(TOTAL, True))
    final = merged(loaded(2 * wide, 2), adder(wide, True), passes(4, 2 * 2 + 4, 2 + 2 * (OUT + 1)))
    return {
        "load": events(DOTS * rows, **loaded(wide)),
        "read": merged(
            Counter(reads=wide, cells_read=2 * wide * DOTS),
            Counter() if whole else events(DOTS, **read(TOTAL)),
        ),
        "carry": Counter() if whole else events(DOTS, **resolve),
        "bias": tree(rows, wide, DOTS, True),
        "requantise": events(DOTS, **final),
    }  # fmt: skip


def both(products, outputs):
    """Add the phases of products and of outputs; each result is read once."""
    result = Counter(reads=OUT, cells_read=OUT * DOTS)  # not negative after the ReLU
    phases = {phase: Counter(work) for phase, work in products.items()}
    for phase, work in outputs.items():
        phases[phase] = merged(phases.get(phase, Counter()), work)
    phases["read"] = merged(phases["read"], result)
    return phases


def paper_rows(three):
    growth, rows = TOTAL - N, DOTS * K
    return {
        "load": events(rows, **loaded(N, TOTAL)),
        "multiply": events(rows, **merged(multiply(), one_pass(growth))),
        "reduce": tree(K, TOTAL, DOTS, three),
        "read": Counter(reads=TOTAL, cells_read=2 * TOTAL * DOTS),
    }


def accumulated(t):
    r = ceil(K / t)
    times = ceil(K / r)
    g = ceil(log2(times))
    rows, above = DOTS * r, TOTAL - N - g
    added = merged(adder(N - 1, True), adder(1 + g, False))
    each = merged(multiply(), times=times)
    row = merged(each, one_pass(g), merged(added, times=times - 1), clear(above), one_pass(above))
    cleared = (N + g + 1) + (times - 1) * (N + 1)
    return {
        "load": events(rows, **loaded(N * times, cleared)),
        "multiply": events(rows, **row),
        "reduce": tree(r, TOTAL, DOTS, True),
        "read": Counter(reads=TOTAL, cells_read=2 * TOTAL * DOTS),
    }


def carry_saved(s):
    z0 = min(K, ROWS // 3, s * (ROWS // 3) * CAPS // DOTS)
    t = ceil(K / z0)
    z = ceil(K / t)
    assert CAPS * s * (ROWS // 3 // z) >= DOTS
    addends = MW // 2 * t  # an even width: fields of MA + 1 columns
    wide, fields = N + ceil(log2(t)), addends * (MA + 1)
    cleared = 2 * TOTAL + (addends - 2) * wide - fields
    load = events(DOTS * z, **loaded(fields, cleared))
    load["loads"] *= s
    steps = addends - 2
    return {
        "load": load,
        "multiply": events(wide * steps * DOTS * z, steps, **join(True)),
        "reduce": tree(2 * z, TOTAL, DOTS, True),
        "read": Counter(reads=s * TOTAL, cells_read=2 * TOTAL * DOTS),
    }


def reads_inputs(positions):
    """Inputs that a run of so many positions reads: 8 × 8 outputs, 3 × 3 windows, padding aside."""
    rows, columns = ceil(positions / 8), min(positions, 8)
    spans = min(rows + 2, 8), min(columns + 2, 8)  # at most the image's
    return 16 * min(spans[0] * spans[1], positions * 9)


def stationary_bits(folds, clusters):
    """Try every tile and what may stay in it: the fewest bits over the buses, and what stays."""
    share = ceil(DOTS / (folds * clusters))
    best = {}
    for p in range(1, 65):
        for c in range(1, min(share // p, 24) + 1):
            tiles = DOTS / (c * p)
            w, x = tiles * c * K * MW, tiles * reads_inputs(p) * MA
            best["neither"] = min(best.get("neither", np.inf), w + x)
            if p * folds <= 64:
                best["left"] = min(best.get("left", np.inf), w / folds + x)
            if c * folds <= 24:
                best["right"] = min(best.get("right", np.inf), w + x / folds)
    stays = min(best, key=best.get)
    return best[stays], stays


CASES = {
    "paper": (bf.Mapping.paper(), "row", both(paper_rows(False), packed(False)), 0),
    "three-pass": (bf.Mapping.paper("three-pass"), "row", both(paper_rows(True), packed(True)), 0),
    "fused": (bf.Mapping.fused(), "row", both(paper_rows(True), fused(False)), 1),
    "accumulating": (bf.Mapping.accumulating(4), "row", both(accumulated(4), fused(False)), 1),
    "accumulating 7": (bf.Mapping.accumulating(7), "row", both(accumulated(7), fused(False)), 1),
    "carry-save": (bf.Mapping.carry_save(), "booth", both(carry_saved(1), fused(True)), 2),
    "carry-save, 3": (bf.Mapping.carry_save(3), "booth", both(carry_saved(3), fused(True)), 2),
}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_by_hand(name):
    mapping, latch, expected, outputs = CASES[name]
    b = Builder("hand", (16, 8, 8))
    x = b.relu(b.conv("conv", b.input, 24, 3, padding=1))
    b.linear("last", b.flatten(x), 2)
    net = b.network()
    precision = bf.Precision.by_layer(net, {"conv": (MW, MA), "last": (4, OUT)})
    resolved = plan(net, replace(bf.Chip.paper(), latch=latch), mapping)
    schedule = resolved.at(precision)
    assert schedule.folds[0] == 1
    for phase, counted in expected.items():
        work = schedule.phases[phase]
        at = int(np.flatnonzero(work.layers == schedule.layers[0])[0])
        for event in COMPARED:
            amount = np.broadcast_to(getattr(work.counts, event), work.rows.shape)[at]
            assert amount == counted[event], (phase, event)
    own = schedule.words.at(schedule.layers)
    _, returned = resolved.products.moved(schedule.bits, own, "microcode")
    wide = 2 * (TOTAL + M)
    more = {0: 0, 1: TOTAL + wide, 2: wide}[outputs]  # resolved sums, scaled rows
    assert returned[0] == DOTS * (2 * TOTAL + OUT + more)


@pytest.mark.parametrize(("clusters", "caps", "folds"), [(4, 8, 2), (2, 5, 5), (1, 4, 12)])
def test_a_stationary_operand_by_hand(clusters, caps, folds):
    b = Builder("hand", (16, 8, 8))
    x = b.relu(b.conv("conv", b.input, 24, 3, padding=1))
    b.linear("last", b.flatten(x), 2)
    net = b.network()
    precision = bf.Precision.by_layer(net, {"conv": (MW, MA), "last": (4, OUT)})
    chip = replace(bf.Chip.paper(), clusters=clusters, caps_per_cluster=caps)
    mapping = bf.Mapping.stationary(fused=False)
    schedule = plan(net, chip, mapping).at(precision)
    assert schedule.folds[0] == folds == ceil(DOTS / (clusters * caps * (ROWS // K)))
    bits, stays = stationary_bits(folds, clusters)
    own = schedule.words.at(schedule.layers)
    taken, _ = schedule.plan.products.moved(schedule.bits, own, "microcode")
    assert taken[0] == pytest.approx(bits, rel=1e-12)
    assert stays != "neither"
    kept, moving = (MW, MA) if stays == "left" else (MA, MW)
    load = schedule.phases["load"].counts
    assert load.loads[0] == kept + folds * moving
    assert load.cells_loaded[0] == K * (kept * ceil(DOTS / folds) + moving * DOTS)
    assert load.lines_driven[0] == K * DOTS * TOTAL
    paper = plan(net, chip, bf.Mapping.paper("three-pass")).at(precision)
    for phase in ("multiply", "reduce", "carry", "bias", "requantise"):
        assert schedule.phases[phase].counts.cycles[0] == paper.phases[phase].counts.cycles[0]
