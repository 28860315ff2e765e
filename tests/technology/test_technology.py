"""Technologies: supply voltage, corners, units, and the published fit."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from bfimna import BfimnaError, Chip, data, peak
from bfimna.cost import formulas
from bfimna.technology.sampling import causes, sampled_prices
from bfimna.technology.supply import (
    LEAKAGES,
    LOGIC_ENERGIES,
    LOGIC_TIMES,
    WRITE_ENERGIES,
    WRITE_TIMES,
)
from bfimna.technology.table import COMPLETED, UNITS
from bfimna.technology.technology import Technology

from ..close import close

NAMES = data.technology_names()
PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
BY_HAND = {
    "1": 1.0, "writes": 1.0, "bit": 1.0, "rows": 1.0, "GB/s": 1e9, "W/mm2": 1e6,
    "m2": 1.0, "mm2": 1e-6, "um2": 1e-12,
    "pJ per bit": 1e-12, "pJ per 128 bit": 1e-12 / 128, "pJ per 256 bit": 1e-12 / 256,
}  # fmt: skip


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
    assert best.throughput_ops == close(2 * 19_660_800 / 944e-9)


def test_the_fit_and_the_circuits_agree_on_a_pass_and_not_on_a_move():
    """All four fitted parameters against the derived ones, on a CAP of 72 columns."""
    fit, derived = (data.load_technology(n) for n in ("sram-published-fit", "sram-14nm-lstp"))
    times = [formulas.cycle_seconds(tech, 72) for tech in (fit, derived)]
    own_pass, our_pass = (t["compares"] + t["writes"] for t in times)
    assert our_pass / own_pass == pytest.approx(1.39, abs=0.01)
    assert times[1]["loads"] / times[0]["loads"] == pytest.approx(0.232, abs=0.002)
    joules = [formulas.event_joules(tech, 72) for tech in (fit, derived)]
    assert joules[1]["compare_rows"] / joules[0]["compare_rows"] == pytest.approx(1.19, abs=0.01)
    assert joules[1]["cells_loaded"] / joules[0]["cells_loaded"] == pytest.approx(52.6, abs=0.1)


@pytest.mark.parametrize("unit", UNITS)
def test_units_match_their_prefixes(unit):
    by_hand = BY_HAND[unit] if unit in BY_HAND else PREFIXES[unit[:-1]]  # s, J, W, V, A
    assert UNITS[unit] == close(by_hand)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_lies_in_its_range(name):
    tech = data.load_technology(name)
    for field, (low, high) in tech.ranges.items():
        assert low <= getattr(tech, field) <= high, field


def test_energy_follows_the_square_of_the_supply_and_delay_the_alpha_power_law():
    tech = data.load_technology("sram-14nm-lstp")
    low = tech.at_supply(0.6)
    # V / (V - 0.3821)^1.3: 0.6 / 0.2179^1.3 = 4.352; 0.8 / 0.4179^1.3 = 2.488
    slower = close(4.352 / 2.488, rel=1e-3)
    for field in (*LOGIC_TIMES, *WRITE_TIMES):
        assert getattr(low, field) / getattr(tech, field) == slower, field
    for field in (*LOGIC_ENERGIES, *WRITE_ENERGIES):
        expected = getattr(tech, field) * (0.6 / 0.8) ** 2
        assert getattr(low, field) == close(expected), field
        scaled = [end * (0.6 / 0.8) ** 2 for end in tech.ranges[field]]
        assert low.ranges[field] == close(scaled)
    assert low.ranges["area_m2_per_cell"] == tech.ranges["area_m2_per_cell"]
    for field in LEAKAGES:  # measured: ∝ V^2.2
        assert getattr(low, field) == close(getattr(tech, field) * 0.75**2.2), field
    assert low.area_m2_per_cell == tech.area_m2_per_cell
    assert low.interconnect == tech.interconnect
    assert low.at_supply(0.8).compare_s == close(tech.compare_s)


def test_every_time_and_energy_of_a_cycle_follows_some_supply():
    """A field added to Technology and left out of the four lists would not scale."""
    scaled = {*LOGIC_TIMES, *WRITE_TIMES, *LOGIC_ENERGIES, *WRITE_ENERGIES}
    timed = {f.name for f in fields(Technology) if "_s_" in f.name or f.name.endswith("_s")}
    priced = {f.name for f in fields(Technology) if "_j_per" in f.name}
    assert scaled == timed | priced


def test_device_writes_do_not_follow_the_logic_supply():
    tech = data.load_technology("reram-14nm-lstp")
    low = tech.at_supply(0.5)
    for field in (*WRITE_TIMES, *WRITE_ENERGIES):
        assert getattr(low, field) == getattr(tech, field), field
    assert low.compare_j_per_row < tech.compare_j_per_row


@pytest.mark.parametrize("volts", [0.3, 0.0, -1.0, float("nan"), "low", 0.45, 1.2, True, np.True_])
def test_an_impossible_supply_is_refused(volts):
    with pytest.raises(BfimnaError, match="supply"):
        data.load_technology("sram-14nm-lstp").at_supply(volts)


@pytest.mark.parametrize("value", [-1e-15, float("nan"), float("inf"), "fast", None, True])
def test_costs_are_finite_and_not_negative(value):
    tech = data.load_technology("sram-14nm-lstp")
    with pytest.raises(BfimnaError, match=r"technology 'sram-14nm-lstp': write_s must be a finite"):
        replace(tech, write_s=value)
    with pytest.raises(BfimnaError, match="interconnect: bus_j_per_bit must be a finite"):
        replace(tech.interconnect, bus_j_per_bit=value)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("ends", [(0.0, INF), (2e-9, 1e-9), (-1e-9, 1e-9), (NAN, 1e-9), (0.0, True),
                                  (0.0, "1"), (0.0,), 1e-9])  # fmt: skip
def test_a_range_that_cannot_be_sampled_is_refused(ends):
    tech = data.load_technology("sram-14nm-lstp")
    with pytest.raises(BfimnaError, match=r"technology 'sram-14nm-lstp': range of write_s must"):
        replace(tech, ranges={**tech.ranges, "write_s": ends})
    links = tech.interconnect
    with pytest.raises(BfimnaError, match="interconnect: range of dram_bytes_per_s must"):
        replace(links, ranges={**links.ranges, "dram_bytes_per_s": ends})


def test_how_ranges_are_sampled_is_checked():
    tech = data.load_technology("sram-14nm-lstp")
    with pytest.raises(BfimnaError, match="unknown field with a range 'write'; did you mean"):
        replace(tech, ranges={"write": (0.0, 1.0)}, draws={})
    with pytest.raises(BfimnaError, match="compare_s has a distribution but no range"):
        replace(tech, ranges={})
    with pytest.raises(BfimnaError, match="unknown distribution of write_s 'normal'"):
        replace(tech, draws={**tech.draws, "write_s": ("normal", "wires")})
    with pytest.raises(BfimnaError, match=r"draws of write_s must be \(distribution, cause\)"):
        replace(tech, draws={**tech.draws, "write_s": "split"})
    with pytest.raises(BfimnaError, match="ranges must be a mapping"):
        replace(tech, ranges=None)
    from_zero = {**tech.ranges, "write_s": (0.0, 1e-9)}
    with pytest.raises(BfimnaError, match="a logsplit range starts above 0"):
        replace(tech, ranges=from_zero, draws={**tech.draws, "write_s": ("logsplit", "wires")})
    no_wear = tech.ranges["endurance_writes"]
    assert no_wear == (INF, INF)  # fixed, so its ends may be infinite


def test_divisors_are_above_zero_and_unbounded_fields_may_be_infinite():
    tech = data.load_technology("sram-14nm-lstp")
    with pytest.raises(BfimnaError, match="link_speed must be above 0"):
        replace(tech.interconnect, link_speed=0.0)
    assert replace(tech.interconnect, dram_bytes_per_s=float("inf"))
    with pytest.raises(BfimnaError, match="no transistor switches"):
        replace(tech, threshold_v=0.9)
    with pytest.raises(BfimnaError, match="at or below the threshold"):
        replace(tech, threshold_v=0.6).at_supply(0.6)


def test_corners_bound_the_nominal_point():
    tech, chip = data.load_technology("sram-14nm-lstp"), Chip.limited()
    cheap, nominal, dear = (
        peak(8, chip, t) for t in (tech.corner("optimistic"), tech, tech.corner("pessimistic"))
    )
    assert cheap.efficiency_ops_per_w > nominal.efficiency_ops_per_w > dear.efficiency_ops_per_w
    with pytest.raises(BfimnaError, match="unknown corner 'best'"):
        tech.corner("best")
    dear = tech.corner("pessimistic")
    assert dear.interconnect.bus_j_per_bit == tech.interconnect.ranges["bus_j_per_bit"][1]
    assert dear.interconnect.dram_bytes_per_s == tech.interconnect.ranges["dram_bytes_per_s"][0]


def test_a_technology_introduces_itself():
    tech = data.load_technology("sram-14nm-lstp").at_supply(0.7)
    assert repr(tech) == "<Technology sram-14nm-lstp at 0.7 V>"
    page = tech._repr_html_()
    low, high = tech.ranges["compare_s"]
    cells = f"<td>{tech.compare_s * 1e12:.3g} ps</td><td>{low * 1e12:.3g} ps</td>"
    assert f"<td>compare_s</td>{cells}<td>{high * 1e12:.3g} ps</td>" in page
    assert "<td>dram_bytes_per_s</td><td>256 GB/s</td>" in page


def table_with_delays(tmp_path, *rows):
    table = pd.read_csv(data.ROOT / "technologies" / "derived.csv", dtype=object)
    mine = table[table.technology == "sram-14nm-lstp"]
    fixed = {"unit": "1", "distribution": "fixed", "cause": ""}
    more = [{**mine.iloc[0], **fixed, "parameter": name, "value": value, "low": value,
             "high": value} for name, value in rows]  # fmt: skip
    path = tmp_path / "cells.csv"
    pd.concat([mine, pd.DataFrame(more)]).to_csv(path, index=False)
    return data.load_technology("sram-14nm-lstp", path)


def test_delay_follows_a_table_where_it_has_one(tmp_path):
    rows = (("delay_at_0.5_V", "100"), ("delay_at_0.6_V", "4"), ("delay_at_1.0_V", "0.5"))
    tech = table_with_delays(tmp_path, *rows)
    assert tech.delays == ((0.5, 100.0), (0.6, 4.0), (0.8, 1.0), (1.0, 0.5))
    for volts, slower in ((0.5, 100), (0.6, 4), (0.7, 2), (0.55, 20), (1.0, 0.5), (0.8, 1)):
        assert tech.at_supply(volts).compare_s / tech.compare_s == close(slower), volts
    low = tech.at_supply(0.6)
    assert low.at_supply(0.8).write_s == close(tech.write_s)
    assert "device law" in causes(data.load_technology("sram-14nm-lstp").at_supply(0.6))
    assert "device law" not in causes(low)  # the table has no range
    half = sampled_prices(low, {cause: np.array([0.5]) for cause in causes(low)})
    assert half.compare_s == close(low.compare_s)
    # a supply at or below the threshold of a law, within the table
    assert table_with_delays(tmp_path, *rows, ("delay_at_0.3_V", "1e4")).delays[0] == (0.3, 1e4)


def test_broken_delays_are_named(tmp_path):
    with pytest.raises(BfimnaError, match=r"the delay at the nominal 0.8 V is 1, by definition"):
        table_with_delays(tmp_path, ("delay_at_0.8_V", "2"))
    with pytest.raises(BfimnaError, match=r"line .*has two delay_at_0.5_V"):
        table_with_delays(tmp_path, ("delay_at_0.5_V", "9"), ("delay_at_0.5_V", "8"))
    with pytest.raises(BfimnaError, match=r"unknown parameter .* 'delay_at_V'"):
        table_with_delays(tmp_path, ("delay_at_V", "9"))
    tech = table_with_delays(tmp_path, ("delay_at_0.6_V", "9"))
    with pytest.raises(BfimnaError, match=r"0.55 V lies outside the delays of .* 0.6 to 0.8"):
        tech.at_supply(0.55)
    for wrong in (((0.8, 1.0), (0.6, 2.0)), ((0.6, 0.0),), ((0.6,),), "0.6", ((0.6, True),)):
        with pytest.raises(BfimnaError, match="delays must be pairs"):
            replace(tech, delays=wrong)


def test_an_obsolete_parameter_is_ignored_with_a_warning(tmp_path):
    with pytest.warns(DeprecationWarning, match="vertical_rows is ignored"):
        tech = table_with_delays(tmp_path, ("vertical_rows", "300"))
    assert tech == data.load_technology("sram-14nm-lstp")


def test_a_table_of_version_0_2_is_completed(tmp_path):
    table = pd.read_csv(data.ROOT / "technologies" / "derived.csv", dtype=object)
    mine = table[table.technology == "reram-14nm-lstp"]
    old = mine[~mine.parameter.isin(COMPLETED)]
    assert len(mine) - len(old) == len(COMPLETED)
    old.to_csv(tmp_path / "old.csv", index=False)
    tech = data.load_technology("reram-14nm-lstp", tmp_path / "old.csv")
    default = data.load_technology("sram-14nm-lstp")
    assert (tech.latch_j_per_bit, tech.max_driven_keys) == (default.latch_j_per_bit, np.inf)
    assert tech.compare_s == data.load_technology("reram-14nm-lstp").compare_s


def test_leakage_follows_its_own_sampled_exponent():
    low = data.load_technology("sram-14nm-lstp").at_supply(0.6)
    u = {"leakage over supply": np.array([0.0, 0.5, 1.0])}
    drawn = sampled_prices(low, u).leakage_w_per_cell
    nominal = data.load_technology("sram-14nm-lstp").leakage_w_per_cell
    assert drawn == close(nominal * 0.75 ** np.array([1.5, 2.2, 2.8]))
