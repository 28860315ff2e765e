"""Chips: geometry, folds, and what no chip can be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimna import BfimnaError, Chip
from bfimna.chip.chip import fit
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
            "CAPs per cluster must be a whole number from 1 to 1048576, not 0",
        ),
        ({"clusters": -1}, "clusters"),
        ({"rows": 0}, "rows must be"),
        ({"columns": 2.5}, "columns must be"),
        ({"clock_hz": 0}, "clock_hz must be a finite number above 0, not 0"),
        ({"ap_kind": "3d"}, "unknown AP kind '3d'"),
        ({"weights": "cloud"}, "unknown place of the weights 'cloud'"),
    ],
)
def test_an_impossible_chip_is_refused(change, told):
    with pytest.raises(BfimnaError, match=told):
        replace(Chip.limited(), **change)


@given(rows=st.integers(1, 5000), batch=st.integers(1, 64), layer=st.integers(0, 20))
def test_folds_hold_every_product(rows, batch, layer):
    gemm = zoo.resnet18().gemms[layer]
    held = fit(gemm, rows, batch)
    assert held.part * held.per_cap <= rows
    assert held.part * held.splits >= gemm.j > held.part * (held.splits - 1)
    assert held.caps * held.per_cap >= held.dots * held.splits
    assert held.dots * gemm.j == gemm.macs * batch


def test_unlimited_resources_hold_the_largest_layer_at_once():
    net = zoo.vgg16()
    chip = Chip.unlimited().sized_for(net, 1)
    assert chip.caps >= max(fit(gemm, chip.rows, 1).caps for gemm in net.gemms)
    assert chip.caps - chip.caps_per_cluster < max(fit(g, chip.rows, 1).caps for g in net.gemms)
