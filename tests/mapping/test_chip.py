"""Chips: geometry, folds, and what no chip can be."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimna import BfimnaError, Chip
from bfimna.mapping.paper import fit_product
from bfimna.names import load_chip
from bfimna.network import zoo


def test_lr_has_the_published_resources():
    chip = Chip.limited()
    assert chip.product_rows == 64 * 64 * 4800 == 19_660_800
    # mean distance on an 8 × 8 mesh between clusters drawn at random: ⅔ (8 - 1/8)
    assert chip.mean_hops == pytest.approx(5.25)
    assert chip.mesh_links == 2 * 2 * 8 * 7


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"caps_per_cluster": 0},
            "caps_per_cluster must be a whole number from 1 to 1048576, not 0",
        ),
        ({"clusters": -1}, "clusters"),
        ({"rows": 0}, "rows must be"),
        ({"columns": 2.5}, "columns must be"),
        ({"clock_hz": 0}, "clock_hz must be a finite number above 0, not 0"),
        ({"ap_kind": "3d"}, "unknown AP kind '3d'"),
        ({"rows": 2**21}, "rows must be"),
        ({"rows": True}, "rows must be"),
        ({"rows": "4800"}, "rows must be"),
        ({"clusters": float("nan")}, "clusters"),
        ({"clock_hz": float("inf")}, "clock_hz must be"),
        ({"overlap": 1}, "overlap must be true or false"),
        ({"name": ""}, "name must be text"),
        ({"name": 5}, "name must be text"),
        ({"weights": "cloud"}, "unknown place of the weights 'cloud'"),
    ],
)
def test_an_impossible_chip_is_refused(change, told):
    with pytest.raises(BfimnaError, match=told):
        replace(Chip.limited(), **change)


@pytest.mark.parametrize(("field", "most"), [("clusters", 2**40), ("rows", 2**20), ("mats", 2**20)])
def test_a_chip_beyond_counting_is_refused(field, most):
    assert getattr(replace(Chip.limited(), **{field: most}), field) == most
    with pytest.raises(BfimnaError, match=f"to {most}, not {most + 1}"):
        replace(Chip.limited(), **{field: most + 1})


def test_a_chip_takes_fields_that_it_knows_and_by_keyword_only():
    with pytest.raises(BfimnaError, match=r"by keyword, not 'IR': want .*Chip\.unlimited\(\)"):
        Chip("IR")
    with pytest.raises(BfimnaError, match="unknown field of a chip 'row'; did you mean 'rows'"):
        Chip(row=100)
    with pytest.raises(BfimnaError, match="unknown field of a chip 'ap'"):
        replace(Chip.limited(), ap="1d")
    assert copy.deepcopy(Chip.unlimited()) == pickle.loads(pickle.dumps(Chip.unlimited()))


def test_numpys_numbers_cannot_overflow_a_chip():
    small = Chip(rows=np.int16(4800), clusters=np.uint8(64), multicast=np.False_, clock_hz=10**9)
    assert small == replace(Chip.limited(), multicast=False)
    assert small.product_rows == 19_660_800
    assert small.cells == 64 * 65 * 4800 * 72
    assert {type(value) for value in vars(small).values()} == {str, int, float, bool, type(None)}


def test_a_chip_introduces_itself():
    assert repr(Chip.limited()) == "<Chip LR: 64 clusters of 64 CAPs of 4800 × 72 cells>"
    own = Chip(name="<b>", maps_per_cluster=3, weights="streamed")
    assert "maps_per_cluster=3, weights='streamed'" in repr(own)
    assert own._repr_html_().startswith("<table><caption><b>Chip &lt;b&gt;: 64 clusters")
    assert "<b>" not in own._repr_html_().removeprefix("<table><caption><b>")
    assert "<td>clock_hz</td><td>1 GHz</td>" in own._repr_html_()


@given(rows=st.integers(1, 5000), batch=st.integers(1, 64), layer=st.integers(0, 20))
def test_folds_hold_every_product(rows, batch, layer):
    gemm = zoo.resnet18().matmuls[layer]
    held = fit_product(gemm, rows, batch)
    assert held.part * held.per_array <= rows
    assert held.part * held.splits >= gemm.k > held.part * (held.splits - 1)
    assert held.arrays * held.per_array >= held.sums * held.splits
    assert held.sums * gemm.k == gemm.macs * batch


def test_unlimited_resources_hold_the_largest_layer_at_once():
    net = zoo.vgg16()
    chip = Chip.unlimited().sized_for(net, 1)
    assert chip.caps >= max(fit_product(gemm, chip.rows, 1).arrays for gemm in net.matmuls)
    assert chip.caps - chip.caps_per_cluster < max(
        fit_product(g, chip.rows, 1).arrays for g in net.matmuls
    )


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        (
            "activations",
            "spill",
            "unknown place of the activations 'spill'; did you mean 'spilled'",
        ),
        ("activations", None, "unknown place of the activations None"),
        ("clears", "own", "unknown time of the clears 'own'"),
        ("clears", True, "unknown time of the clears True"),
    ],
)
def test_what_moves_to_dram_and_when_columns_are_cleared_is_checked(field, value, says):
    with pytest.raises(BfimnaError, match=says):
        Chip(**{field: value})


def test_the_paper_s_chip_is_lr_that_holds_everything():
    limits = ("max_power_density_w_per_m2", "max_current_a")
    built = dict(weights="auto", activations="spilled", clears="own cycle", name="LR",
                 **{limit: getattr(Chip.limited(), limit) for limit in limits})  # fmt: skip
    assert replace(Chip.paper(), **built) == Chip.limited() == load_chip("LR")
    assert not any(getattr(Chip.paper(), limit) for limit in limits)
    assert load_chip("paper") == Chip.paper()
    with pytest.raises(BfimnaError, match="named 'paper' has other fields than paper has"):
        load_chip({"name": "paper", "rows": 4800})
