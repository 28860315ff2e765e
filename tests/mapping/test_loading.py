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
    write_s = 1e-9 * (0.3498 + 72 * 0.0007962)
    assert latched.latency_s == close(7 * 16 * write_s)
    assert by_row.latency_s == close(7 * 4800 * write_s)
    rows = 512 * 49 * 4608
    assert by_row.words_written == rows
    # beside the columns cleared along, which latches leave to writes too
    assert by_row.cells_written - latched.cells_written == close(16 * rows)
    assert by_row.lines_driven - latched.lines_driven == close(16 * 300 * rows)
    per_row = 72 * 0.1476 + 16 * (0.8366 + 300 * 0.4811)  # columns past the 300 rows of a mat
    with_clears = 1e-15 * (by_row.cells_written - 16 * rows) * 0.8366
    with_clears += 1e-15 * (by_row.lines_driven - 16 * 300 * rows) * 0.4811
    assert by_row.energy_j - with_clears == close(1e-15 * rows * per_row)


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
