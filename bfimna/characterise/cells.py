"""Simulate a cell: what it leaks, and whether it keeps its bit while other columns are written."""

from dataclasses import dataclass

from bfimna.characterise.decks import Bench
from bfimna.characterise.lines import bit_line_farad, pulses

#: rows tagged at once that hold 1 and that hold 0, and pulses in FO4, of the map of the disturb
TAGGED = ((1, 1), (1, 7), (1, 63), (4, 4), (64, 64))
PULSES_FO4 = (4.0, 6.0, 10.0, 60.0)


def leakage(bench: Bench) -> float:
    """Return what a cell that holds leaks, in W, bit lines and match line precharged."""
    m = bench.run("leakage")
    return -(m["i(vcl)"] + m["i(vbl)"] + m["i(vml)"]) * bench.supply_v


@dataclass(frozen=True)
class Disturb:
    """A column that is not written, with rows tagged that hold different bits.

    Attributes
    ----------
    ones, zeros : tagged rows. pulse_fo4 : of the word lines.
    lost : how many of the tagged rows no longer hold their bit.
    cell_j : energy from the bit lines' supply, per tagged row and store, in J.
    """

    ones: int
    zeros: int
    pulse_fo4: float
    lost: int
    cell_j: float


def disturb(
    bench: Bench, ones: int, zeros: int, pulse_fo4: float, rows: int, held: bool = False
) -> Disturb:
    """Tag rows of a column that is not written, and see which bits remain.

    Parameters
    ----------
    rows : on the bit lines. held : at the supply; else they are precharged and float.
    """
    times = pulses(bench, 60)
    pulse = pulse_fo4 * bench.fo4_s
    m = bench.run(
        "disturb", ones=ones, zeros=zeros, held=held, bit_line_farad=bit_line_farad(bench, rows),
        pulse_s=pulse, tp=times["tp"], tr=times["tr"],
    )  # fmt: skip
    middle = bench.supply_v / 2
    lost = ones * (m["one"] < middle) + zeros * (m["zero"] > middle)
    window = 5 * times["tr"] + 2.9 * pulse
    joule = (-m["qbp"] + m["ibp"] * window) * bench.supply_v
    return Disturb(ones, zeros, pulse_fo4, lost, joule / (ones + zeros))


def disturb_map(bench: Bench, rows: int) -> list[Disturb]:
    """Return what is lost for several numbers of tagged rows and pulses, bit lines floating.

    Parameters
    ----------
    rows : on the bit lines.
    """
    return [
        disturb(bench, ones, zeros, pulse, rows) for ones, zeros in TAGGED for pulse in PULSES_FO4
    ]
