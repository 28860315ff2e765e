"""The technologies' derivation: lines by hand, events against the cost model."""

import pytest
from reproduction.circuit import cam_arrays
from reproduction.studies import circuit_arrays

import bfimna as bf

TABLE = circuit_arrays.components(bf.Chip.limited())


def of(kind, technology):
    return TABLE[(TABLE.kind == kind) & (TABLE.technology == technology)]


def test_lines_at_all_columns_of_a_cap_by_hand():
    line = of("line", "sram-14nm-lstp").set_index("bits").loc[72]
    assert line.match_line == pytest.approx(0.1583 * 72 - 0.29, abs=0.02)
    assert line.search == pytest.approx(12.9 + 0.48, abs=0.02)
    assert line.column_write == pytest.approx(0.84 + 0.1476 * 72, abs=0.02)


@pytest.mark.parametrize("name", cam_arrays.DERIVED)
def test_lines_lie_at_the_arrays(name):
    lines, measured = of("line", name).set_index("bits"), of("array", name)
    for column in ("match_line", "search", "column_write"):
        drawn = lines.loc[measured.bits.astype(int), column].to_numpy()
        assert drawn == pytest.approx(measured[column].to_numpy(), rel=0.1)


def test_events_are_those_of_the_costs():
    fitted = of("event", "sram-published-fit").set_index("event")
    assert fitted.time_ns.to_dict() == pytest.approx({"pass": 0.75, "load": 2.0, "read": 2.0})
    assert fitted.energy_fj["pass"] == pytest.approx(10.8, rel=0.01)
    derived = of("event", "sram-14nm-lstp").set_index("event")
    assert derived.energy_fj["read"] == pytest.approx(13.4, abs=0.05)
    # the tool's column write, the line that opens a cross-point, a latch and its selector
    assert derived.energy_fj["load"] == pytest.approx(11.46 + 0.09 + 2 * 0.84, abs=0.05)


def test_a_chip_of_other_columns_has_other_lines():
    small = circuit_arrays.components(bf.Chip(name="narrow", columns=40))
    assert small[small.kind == "line"].bits.max() == 40
