"""The table of every parameter agrees with what is simulated, and says where each comes from."""

import pytest

import bfimna as bf
from bfimna.technology.prices import EVENT_PRICES, LINK_PRICES
from bfimna.technology.table import STATUSES


@pytest.mark.parametrize("name", bf.data.technology_names())
def test_values_are_those_that_are_simulated(name):
    technology = bf.load_technology(name)
    rows = bf.technology_table(name).set_index("parameter")
    assert rows.index.is_unique
    assert {*EVENT_PRICES, *LINK_PRICES} <= {*rows.index}
    for part, fields in ((technology, EVENT_PRICES), (technology.interconnect, LINK_PRICES)):
        for field in fields:
            assert rows.value[field] == getattr(part, field), field
            assert (rows.low[field], rows.high[field]) == part.ranges[field]
            assert (rows.distribution[field], rows.cause[field]) == part.draws[field]


def test_each_row_has_its_printed_source():
    table, printed = bf.technology_table(), bf.data.technologies()
    assert table.status.isin(STATUSES).all()
    assert (table.source.str.len() > 0).all()
    assert not table.isin(["nan"]).any().any()
    both = table.merge(printed, left_on=["technology", "row"], right_on=["technology", "parameter"])
    delays = printed.parameter.str.startswith("delay_at_") | (printed.parameter == "vertical_rows")
    assert len(both) == len(printed[~delays])
    assert (both.source_x == both.source_y).all()
    assert (both.note_x == both.note_y.fillna("")).all()


def test_it_reads_with_units():
    table = bf.technology_table("reram-14nm-lstp")
    page = table[table.parameter == "compare_s"]._repr_html_()
    assert " ps" in page or " ns" in page
    assert "Parameters of technologies" in page
    assert table[["parameter", "source"]]._repr_html_()


def test_an_unknown_technology():
    with pytest.raises(bf.BfimnaError, match="did you mean 'reram-14nm-lstp'"):
        bf.technology_table("rram")
    with pytest.raises(bf.BfimnaError, match="unknown technology of the tables 'own"):
        bf.technology_table("own.csv:mine")
