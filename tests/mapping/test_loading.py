"""The two ways to store a fold's operands, by hand."""

from dataclasses import replace

import pytest

from bfimna import BfimnaError, Chip, Precision, data, simulate, zoo

from ..close import close

SRAM = data.load_technology("sram-14nm-lstp")
NET = zoo.resnet18()
INT8 = Precision.fixed(NET, 8)
LR = Chip.paper()


def load(chip):
    layers = simulate(NET, INT8, chip, SRAM).layers
    return layers[(layers.phase == "load") & (layers.layer == "layer4.1.conv2")].iloc[0]


def test_a_fold_s_operands_by_hand():
    """7 folds of 8 + 8 columns: 112 cycles with latches; 7 · 4800 rows without."""
    latched, by_row = load(LR), load(replace(LR, load_mode="by row"))
    write_s = 1e-9 * (0.3498 + 72 * 0.0007962 + 0.02812)  # and what the key's register adds
    latch_s = 0.02812e-9
    assert latched.latency_s == close(7 * 16 * (write_s + latch_s))
    assert by_row.latency_s == close(7 * 4800 * write_s)
    rows = 512 * 49 * 4608
    assert by_row.words_written == rows
    # beside the columns cleared along, which latches leave to writes too
    assert by_row.cells_written - latched.cells_written == close(16 * rows)
    assert by_row.lines_driven - latched.lines_driven == close(16 * 300 * rows)
    column = 0.4811 + 0.09001  # a column's line and the one that opens its cross-points
    per_row = 72 * 0.1476 + 16 * (0.8366 + 300 * column)  # columns past the 300 rows of a mat
    others = 1e-15 * (by_row.cells_written - 16 * rows) * 0.8366
    others += 1e-15 * (by_row.lines_driven - 16 * 300 * rows) * column
    others += 7 * 4800 * 64 * (50e-12 + 64 * 144 * 1.673e-15)  # control, in each cycle
    assert by_row.energy_j - others == close(1e-15 * rows * per_row)


def test_it_touches_the_operands_of_products_alone():
    latched, by_row = (simulate(NET, INT8, chip, SRAM) for chip in
                       (LR, replace(LR, load_mode="by row")))  # fmt: skip
    one, other = (r.layers.groupby("phase").latency_s.sum() for r in (latched, by_row))
    assert list(one.index[abs(one - other) > 0]) == ["load"]
    assert by_row.latency_s > 2 * latched.latency_s
    assert not any("current" in line for line in by_row.infeasibilities)


def test_an_unknown_way_is_refused():
    with pytest.raises(BfimnaError, match="unknown load mode 'row'; did you mean 'by row'"):
        Chip(load_mode="row")
    with pytest.raises(BfimnaError, match="mats must be"):
        Chip(mats=0)
