"""Quantities with readable units; tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimna.display import MOST_ROWS, html_table, quantity

PREFIX = dict(zip("yzafpnµm kMGTPE", range(-24, 19, 3), strict=True))


@given(st.floats(1e-20, 1e18), st.sampled_from([-1, 1]), st.integers(3, 6))
def test_a_quantity_reads_back_to_its_digits(value, sign, digits):
    number, _, unit = quantity(sign * value, "s", digits).partition(" ")
    factor = 10.0 ** PREFIX[unit[0] if len(unit) > 1 else " "]
    assert float(number) * factor == pytest.approx(sign * value, rel=0.51 * 10 ** (1 - digits))
    assert 1 <= abs(float(number)) < 1000
    assert "e" not in number


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (999.6e-6, "s", "1 ms"),
        (0.0267, "m²", "26700 mm²"),
        (1.88e-13, "m²", "0.188 µm²"),
        (float("nan"), "J", "nan J"),
        (float("inf"), "J", "inf J"),
        (0, "bit", "0 bit"),
    ],
)
def test_ends_of_the_range(value, unit, text):
    assert quantity(value, unit) == text


def test_tables_escape_text_and_count_omitted_rows():
    page = html_table("t", ["<a>"], [["&"]] * (MOST_ROWS + 5), ["<n>"])
    assert page.count("<td>&amp;</td>") == MOST_ROWS
    assert "… and 5 more" in page
    assert "<th>&lt;a&gt;</th>" in page
    assert "<p>&lt;n&gt;</p>" in page
