"""Energies and times derived from the circuit table: against its rows, and by hand."""

import numpy as np
import pandas as pd
import pytest
from reproduction.circuit import cam_arrays, derivation

from bfimna import BfimnaError, data

TABLE = data.circuit_arrays()
LSTP = cam_arrays.arrays_of(TABLE, "sram-14nm-lstp")


def test_the_shipped_table_equals_the_derivation():
    derived = derivation.all_technologies(data.ROOT)
    shipped = pd.read_csv(data.ROOT / "technologies" / "derived.csv")
    pd.testing.assert_frame_equal(derived.fillna(""), shipped.fillna(""), check_dtype=False)


def test_row_energies_of_one_array_by_hand():
    """256 words of 16 bits, 14 nm LSTP: pJ over 256 rows, as the tool printed them."""
    row = cam_arrays.row_energies(LSTP).query("words == 256 and bits == 16").iloc[0]
    assert row.precharge == pytest.approx(221 / 256)
    assert row.sense == pytest.approx(182 / 256)
    assert row.drive == pytest.approx(123 / 256)
    assert row.output == pytest.approx((1154 - 1101) / 256)
    assert row.match_line == pytest.approx((1101 - 221 - 182 - 123) / 256)


def test_the_fit_at_14_nm_by_hand():
    fit = cam_arrays.fit_row_energies(LSTP)
    # slope from two rows alone: (9.852 - 2.264) fJ a row over 48 bits, at 512 words
    match_line = [(6.093 - 0.453 - 0.363 - 0.233) / 0.512, (2.208 - 0.453 - 0.363 - 0.233) / 0.512]
    assert fit.match_line_per_bit == pytest.approx((match_line[0] - match_line[1]) / 48, rel=2e-3)
    assert fit.drive == pytest.approx(0.48, abs=0.01)
    assert fit.per_row == pytest.approx(-0.29 + 0.87 + 0.71 + 0.21, abs=0.01)
    assert fit.search(72, driven=0) == pytest.approx(12.9, abs=0.01)
    assert fit.column_write(72) == pytest.approx(11.5, abs=0.05)


@pytest.mark.parametrize("name", derivation.DERIVED)
def test_the_fit_reproduces_every_single_mat_array(name):
    table = cam_arrays.arrays_of(TABLE, name)
    fit, rows = cam_arrays.fit_row_energies(table), cam_arrays.row_energies(table)
    ours = [fit.search(bits) for bits in rows.bits]
    # small arrays are all periphery: their output stage takes up to 0.3 fJ a row more
    np.testing.assert_allclose(ours, rows.search, rtol=0.08)
    writes = [fit.column_write(bits) for bits in rows.bits]
    np.testing.assert_allclose(writes, rows.column_write, rtol=0.04)


def test_the_tool_s_search_counts_one_column_of_search_lines():
    """If every column were driven, a further bit would add match line and drive; it adds one."""
    rows = cam_arrays.row_energies(LSTP)
    slope = np.polyfit(rows.bits, rows.search, 1)[0]
    fit = cam_arrays.fit_row_energies(LSTP)
    assert slope == pytest.approx(fit.match_line_per_bit, rel=0.03)
    assert slope < 0.4 * fit.drive


def test_cycle_times_are_the_table_s_at_its_own_bits():
    for column, narrow, wide in (("read_latency_ns", 0.4308, 0.5764),
                                 ("column_write_latency_ns", 0.3626, 0.4008)):  # fmt: skip
        start, per_cell = cam_arrays.cycle_time(LSTP, column)
        assert start + 16 * per_cell == pytest.approx(narrow, abs=1e-4)
        assert start + 64 * per_cell == pytest.approx(wide, abs=1e-4)


def test_threshold_and_temperature_belong_to_the_device_class():
    lstp, hp = (data.load_technology(f"sram-14nm-{d}") for d in ("lstp", "hp"))
    assert (lstp.threshold_v, hp.threshold_v) == pytest.approx((0.3821, 0.1730))
    assert hp.leakage_w_per_cell / lstp.leakage_w_per_cell == pytest.approx(364, rel=0.01)
    # the thresholds explain the leakage: 209 mV at about 82 mV a decade at 350 K
    decades = np.log10(hp.leakage_w_per_cell / lstp.leakage_w_per_cell)
    assert (lstp.threshold_v - hp.threshold_v) / decades == pytest.approx(0.0816, abs=0.001)


def test_reram_writes_follow_the_pulse_of_two_devices():
    reram = data.load_technology("reram-14nm-lstp")
    assert reram.write_j_per_cell == pytest.approx(2 * 1.0009e-12, rel=1e-3)
    low, high = reram.ranges["write_j_per_cell"]
    assert (reram.write_j_per_cell / low, high / reram.write_j_per_cell) == pytest.approx((10, 5))
    low, high = reram.ranges["write_s"]
    assert high - low == pytest.approx(49e-9, rel=1e-3)
    assert reram.draws["write_s"] == reram.draws["write_j_per_cell"]


def test_an_unknown_technology_has_no_circuit():
    with pytest.raises(BfimnaError, match="no circuit behind 'dram'; derived: sram-14nm-lstp"):
        derivation.derive("dram", TABLE, TABLE, TABLE)


def test_a_missing_assumption_is_named():
    assumptions = pd.read_csv(data.ROOT / "technologies" / "assumptions.csv")
    components = pd.read_csv(data.ROOT / "published" / "components.csv")
    short = assumptions[assumptions.parameter != "pulse_time"]
    with pytest.raises(BfimnaError, match="lacks 'pulse_time'"):
        derivation.derive("reram-14nm-lstp", TABLE, short, components)
