"""Write quantities with readable units, and tables as HTML or text."""

from collections.abc import Iterable, Sequence
from html import escape
from math import floor, isfinite, log10

MOST_ROWS = 200
_PREFIXES = {
    -24: "y", -21: "z", -18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m",
    0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E",
}  # fmt: skip


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """Write an SI value with the prefix that leaves one to three digits before the point.

    Volts, and dimensionless numbers from 0.001 to 10 000, have no prefix.

    >>> quantity(3.996e-05, "s"), quantity(2.5e13, "OPS"), quantity(0.0, "J")
    ('40 µs', '25 TOPS', '0 J')
    >>> quantity(7.3e-05, "m²"), quantity(11678912, ""), quantity(0.5, ""), quantity(0.8, "V")
    ('73 mm²', '11.7 M', '0.5', '0.8 V')
    """
    if not isfinite(value) or value == 0:
        return f"{value:g} {unit}".rstrip()
    if unit in ("", "V") and 1e-3 <= abs(value) < 1e4:
        return f"{_rounded(value, digits)} {unit}".rstrip()
    if unit == "m²":  # a prefix of a square counts twice
        factor, unit = (1e6, "mm²") if abs(value) >= 1e-9 else (1e12, "µm²")
        return f"{_rounded(value * factor, digits)} {unit}"
    value = float(f"{value:.{digits}g}")  # 999.6 m is 1 k
    power = min(max(3 * floor(log10(abs(value)) / 3), min(_PREFIXES)), max(_PREFIXES))
    return f"{_rounded(value / 10.0**power, digits)} {_PREFIXES[power]}{unit}".rstrip()


def _rounded(value: float, digits: int) -> str:
    """Write a number to `digits` significant digits, without an exponent from 1 to a million.

    >>> _rounded(26700.0, 3), _rounded(0.66, 3)
    ('26700', '0.66')
    """
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e" in text and 1 <= abs(value) < 1e6 else text


_UNITS = {"s": "s", "j": "J", "v": "V", "w": "W", "m2": "m²", "hz": "Hz", "bytes": "B/s"}


def unit_of(field: str) -> str:
    """Return the unit in a field's name, an empty string if it has none.

    >>> unit_of("compare_j_per_row"), unit_of("dram_bytes_per_s"), unit_of("alpha")
    ('J', 'B/s', '')
    """
    return next((_UNITS[part] for part in field.split("_") if part in _UNITS), "")


#: end of a column's name → unit, and factor from SI (None: chosen by the largest value)
_COLUMN_UNITS = (
    ("_ops_per_w_m2", "GOPS/W/mm²", 1e-15), ("_ops_per_w", "TOPS/W", 1e-12),
    ("_gops_per_w", "GOPS/W", 1.0), ("_gops", "GOPS", 1.0), ("_ops", "TOPS", 1e-12),
    ("_percent", "%", 1.0), ("_m2", "mm²", 1e6), ("_js", "J·s", None),
    ("seconds_per_inference", "s", None),
    ("_s", "s", None), ("_j", "J", None), ("_v", "V", 1.0), ("_w", "W", None),
)  # fmt: skip


def unit_and_factor(column: str, largest: float) -> tuple[str, float]:
    """Return the unit that a column's values are shown in, and the factor from SI.

    >>> unit_and_factor("energy_j", 0.005), unit_and_factor("throughput_ops", 4e13)
    (('mJ', 1000.0), ('TOPS', 1e-12))
    """
    for end, unit, factor in _COLUMN_UNITS:
        if column.endswith(end):
            if unit == "GOPS" and largest >= 1000:
                return "TOPS", 1e-3
            if factor is not None:
                return unit, factor
            if not isfinite(largest) or largest == 0:
                return unit, 1.0
            power = min(max(3 * floor(log10(largest) / 3), min(_PREFIXES)), 0)
            return f"{_PREFIXES[power]}{unit}", 10.0**-power
    return "", 1.0


def html_table(
    title: str, header: Sequence[str], rows: Iterable[Sequence[object]], notes: Sequence[str] = ()
) -> str:
    """Return an HTML table with a caption, and notes below it; all text is escaped.

    >>> html_table("a < b", ["name"], [["x"]])[:43]
    '<table><caption><b>a &lt; b</b></caption><t'
    """
    rows = list(rows)
    omitted = len(rows) - MOST_ROWS
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    notes = [*([f"… and {omitted} more"] if omitted > 0 else []), *notes]
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        f"<table><caption><b>{escape(title)}</b></caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{below}"
    )


def text_table(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as lines with aligned columns, for a terminal.

    >>> print(text_table([["name", "MACs"], ["alexnet", "714 M"]]))
    name     MACs
    alexnet  714 M
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)
