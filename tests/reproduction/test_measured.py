"""The emulator's studies: what the figures claim holds in their tables."""

import numpy as np
import pytest
from reproduction.studies import measured

import bfimna as bf
from bfimna import BfimnaError, Chip, data, simulate
from bfimna.cost import formulas
from bfimna.emulator import digits

from ..close import close

TECHNOLOGY = "sram-14nm-lstp"


def test_energy_of_the_arrays_is_the_model_s_but_for_cells_written():
    bits = digits.precision("int3")
    own, x = digits.parameters("int3"), digits.images(bits)[:4]
    table = measured.energy_by_layer(digits.network(), own, x, bits, [TECHNOLOGY])
    model = simulate(digits.network(), bits, Chip.limited(), data.load_technology(TECHNOLOGY), 4)
    layers = model.layers[~model.layers.phase.isin(["traffic", "leakage"])]
    assert table.expected_energy_j.sum() == close(layers.energy_j.sum() / 4)
    tech = data.load_technology(TECHNOLOGY)
    saved = 0
    for event in measured.DATA_EVENTS:
        price = formulas.event_joules(tech, table.attached_cells)[event]
        saved = saved + (table[f"expected_{event}"] - table[event]) * price
    off = (table.expected_energy_j - table.energy_j - saved)[table.phase != "requantise"]
    np.testing.assert_allclose(off, 0, atol=1e-9 * table.energy_j.max())
    assert table.energy_j.sum() < table.expected_energy_j.sum()  # zeros after ReLU


def test_faults_cost_accuracy_and_none_cost_nothing():
    table = measured.faults(["int2"], [1e-6, 3e-3], every=24)
    right = digits_accuracy("int2", 24)
    by_rate = table.groupby("rate").accuracy_percent
    assert by_rate.max()[0.0] == pytest.approx(100 * right)
    assert by_rate.max()[3e-3] < 100 * right - 10
    assert set(table.kind) == {"none", *measured.FAULTS}


def digits_accuracy(name, every):
    return measured.run_digits(name, every)[0]


def test_endurance_wants_cells_that_wear_out():
    with pytest.raises(BfimnaError, match="do not wear out; want one with limited endurance"):
        measured.endurance(["int2"], [TECHNOLOGY])


def test_lifetimes_follow_wear_and_endurance():
    table = measured.endurance(["int2"], ["reram-14nm-lstp", TECHNOLOGY], ["alexnet", "vgg16"])
    reram = table[table.technology == "reram-14nm-lstp"]
    reram = reram.set_index(["network", "cell", "endurance"])
    hottest = reram.loc[("digits", "hottest", "value")]
    seconds = hottest.lifetime_years * measured.YEAR_S
    assert seconds * 30 * hottest.writes_per_inference == pytest.approx(1e9)
    writes = table.groupby("cell").writes_per_inference.first()
    assert writes.hottest > writes["mean"]
    assert np.isinf(table[table.technology == TECHNOLOGY].lifetime_years).all()


def test_networks_wear_all_cells_of_the_chip_at_a_rate_that_it_reaches():
    table = measured.endurance(["int8"], ["reram-14nm-lstp"], ["resnet18", "vgg16"])
    rows = table[(table.cell == "levelled") & (table.endurance == "value")].set_index("network")
    for name, row in rows.iterrows():
        layers = bf.simulate(name, 8, "LR", "reram-14nm-lstp").layers
        written = layers.cells_written.sum() + layers.cells_loaded.sum()
        cells = 64 * 65 * 4800 * 72  # of 64 clusters with 64 CAPs and a MAP each
        assert row.writes_per_inference == pytest.approx(written / cells)
        seconds = row.lifetime_years * measured.YEAR_S
        assert seconds == pytest.approx(1e9 / (written / cells) / row.frames_per_s)
    assert rows.frames_per_s["resnet18"] == 30
    slow = bf.simulate("vgg16", 8, "LR", "reram-14nm-lstp")
    assert rows.frames_per_s["vgg16"] == pytest.approx(min(30, 1 / slow.latency_s))
