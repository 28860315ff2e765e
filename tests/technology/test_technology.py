"""Technologies: supply voltage, corners, and how they come about."""

import pytest

from bfimna import BfimnaError, Chip, data, peak
from bfimna.technology import circuit

NAMES = data.technology_names()


def test_the_table_holds_what_the_derivation_gives():
    derived, shipped = circuit.all_technologies(), data.technologies()
    keys, numbers = ["technology", "parameter"], ["value", "low", "high"]
    left, right = derived.set_index(keys), shipped.set_index(keys)
    assert set(left.index) <= set(right.index)
    assert (left[numbers] == right.loc[left.index, numbers]).all().all()


@pytest.mark.parametrize(
    ("quantity", "bits", "figure"),
    [
        (quantity, row.bits, getattr(row, quantity))
        for row in data.accelerators().query("accelerator == 'BF-IMNA'").itertuples()
        for quantity in ("throughput_gops", "efficiency_gops_per_w")
    ],
)
def test_the_published_fit_meets_the_published_peaks(quantity, bits, figure):
    best = peak(bits, Chip.limited(), data.load_technology("sram-published-fit"))
    ours = (best.throughput_ops if "through" in quantity else best.efficiency_ops_per_w) / 1e9
    # throughputs meet to the last printed digit, efficiencies (three significant) within 0.1 %
    assert ours == pytest.approx(figure, abs=0.5 if "through" in quantity else figure * 1e-3)


def test_published_fit_by_hand():
    """0.75 ns a pass and 2 ns a column: 16 bits take (4·256 + 4·16)·0.75 + 4·16·2 = 944 ns."""
    best = peak(16, Chip.limited(), data.load_technology("sram-published-fit"))
    assert best.throughput_ops == pytest.approx(2 * 19_660_800 / 944e-9)


def test_the_circuits_predict_a_pass_near_the_published_one():
    tech = data.load_technology("sram-14nm-lstp")
    assert tech.compare_s + tech.write_s == pytest.approx(0.79e-9, rel=0.01)  # fit: 0.75 ns


@pytest.mark.parametrize("name", NAMES)
def test_every_value_lies_in_its_range(name):
    tech = data.load_technology(name)
    for field, (low, high) in tech.ranges.items():
        assert low <= getattr(tech, field) <= high, field


def test_energy_follows_the_square_of_the_supply_and_delay_the_alpha_power_law():
    tech = data.load_technology("sram-14nm-lstp")
    low = tech.at_supply(0.6)
    assert low.compare_j_per_row == pytest.approx(tech.compare_j_per_row * (0.6 / 0.8) ** 2)
    # V / (V - 0.3)^1.3: 0.6 / 0.3^1.3 = 2.870; 0.8 / 0.5^1.3 = 1.970
    assert low.compare_s / tech.compare_s == pytest.approx(2.870 / 1.970, rel=1e-3)
    assert low.at_supply(0.8).compare_s == pytest.approx(tech.compare_s)


def test_device_writes_do_not_follow_the_logic_supply():
    tech = data.load_technology("reram-14nm-lstp")
    low = tech.at_supply(0.5)
    assert (low.write_s, low.write_j_per_cell) == (tech.write_s, tech.write_j_per_cell)
    assert low.compare_j_per_row < tech.compare_j_per_row


@pytest.mark.parametrize("volts", [0.3, 0.0, -1.0, float("nan"), "low", 0.45, 1.2])
def test_an_impossible_supply_is_refused(volts):
    with pytest.raises(BfimnaError, match="supply"):
        data.load_technology("sram-14nm-lstp").at_supply(volts)


def test_corners_bound_the_nominal_point():
    tech, chip = data.load_technology("sram-14nm-lstp"), Chip.limited()
    cheap, nominal, dear = (
        peak(8, chip, t) for t in (tech.corner("optimistic"), tech, tech.corner("pessimistic"))
    )
    assert cheap.efficiency_ops_per_w > nominal.efficiency_ops_per_w > dear.efficiency_ops_per_w
    with pytest.raises(BfimnaError, match="unknown corner 'best'"):
        tech.corner("best")
