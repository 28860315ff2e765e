"""Simulate the lines of an array: match line, search line, bit line, word line."""

from dataclasses import dataclass, replace

from bfimna.characterise.decks import Bench, match_segments, word_cells
from bfimna.characterise.ngspice import Measures
from bfimna.errors import BfimnaError

KEYS = 3  # driven cells of a pass
WRITE_FO4 = 25.0  # pulse of a word line in a write
FLOOR_S, EDGE_S = 4e-12, 8e-12  # of pulses and of their edges
PRECHARGED = 0.95  # of the supply, at the end of the precharge
#: overlap of a line with those that cross it, over its own wire
CROSSED = 1.25


@dataclass(frozen=True)
class Match:
    """What a compare of one row takes.

    Attributes
    ----------
    line_j : to precharge the match line. sense_j : of sensing, latch and precharge driver.
    leak_j : that leaks meanwhile. sense_s : from the key's edge to the sensed one, 0 for a match.
    precharge_s : until the match line is at 95 % of the supply, 0 for a match.
    end_v : of the line when it is looked at. matches : whether the sense inverter never switched.
    """

    line_j: float
    sense_j: float
    leak_j: float
    sense_s: float
    precharge_s: float
    end_v: float
    matches: bool


def timed(bench: Bench) -> Bench:
    """Return a bench with the delay of its inverters, the unit of all pulses."""
    window = 2e-9
    for _ in range(5):
        measures = bench.run("fo4", t=window)
        both = measures.get("tf", 0.0) + measures.get("tr", 0.0)
        if measures.get("tf", 0.0) > 0 and window / 400 < both < window / 6:
            return replace(bench, fo4_s=both / 2)
        window = window * 8 if both <= 0 or both >= window / 6 else max(both * 40, window / 20)
    raise BfimnaError(f"{bench.kit.name} ({bench.tagged}): no inverter switches at this supply")


def pulses(bench: Bench, phase: float) -> dict[str, float]:
    """Return precharge and evaluation of `phase` FO4 each, their edges and margins, in s."""
    edge = max(2 * bench.fo4_s, EDGE_S)
    half = phase * max(bench.fo4_s, FLOOR_S)
    return {"tp": half, "te": half, "t": 2 * half, "tr": edge, "ts": 2 * edge, "td": 0.2 * edge}


def match_line(
    bench: Bench, cells: int, differing: int, keys: int = KEYS, sense_s: float = 0.0
) -> Match:
    """Simulate a compare of one row; energies of a steady cycle, less leakage by phase.

    Parameters
    ----------
    cells : attached to the match line. keys : of them driven. differing : of the driven ones.
    sense_s : when the line of a row that matches is looked at, after the key's edge; 0: at the end.
    """
    times = pulses(bench, 60 * (1 + cells / 24))
    width = bench.kit.cell_um[0]
    m = bench.run(
        "match_line", segments=match_segments(cells, keys, differing), sense_s=sense_s,
        wire_ohm=bench.wire_ohm_per_um * width + 1e-3, wire_farad=bench.wire_f_per_um * width,
        **times,
    )  # fmt: skip
    _check_row(bench, m, differing, cells)
    volts = bench.supply_v
    leak = {
        "ml": -m["iml"],
        "sa": -(m["isa"] + m["isb"]) / 2,
        "pd": -(m["ipd"] + m["ipb"]) / 2,
    }
    energy = {name: (-m[f"q{name}"] - amp * times["t"]) * volts for name, amp in leak.items()}
    return Match(
        line_j=energy["ml"],
        sense_j=energy["sa"] + energy["pd"],
        leak_j=sum(leak.values()) * volts * times["t"],
        sense_s=m["tso"] if differing else 0.0,
        precharge_s=m["tpr"] if differing else 0.0,
        end_v=m["vsense"],
        matches="tso" not in m,
    )


def _check_row(bench: Bench, m: Measures, differing: int, cells: int) -> None:
    """Raise unless the line was precharged and the tag is that of the row's data."""
    what = f"{bench.kit.name} ({bench.tagged}), {cells} cells"
    if m.get("vpre", 0.0) < PRECHARGED * bench.supply_v:
        raise BfimnaError(
            f"{what}: match line not precharged: {m.get('vpre', 0.0):.3f} V before the key"
        )
    if differing and ("tso" not in m or "tpr" not in m):
        raise BfimnaError(
            f"{what}: wrong tag: a row that differs in {differing} keys is not sensed"
        )


def column(bench: Bench, rows: int, cells: int, load: str) -> tuple[float, float]:
    """Simulate a line along a column; return its energy per row in J, and its delay in s.

    Parameters
    ----------
    cells : on a row, whose match line the search line couples to.
    load : "search" for one of a pair of search lines, "gate" for a cross-point column's write line.
    """
    times = pulses(bench, 200)
    width, height = bench.kit.cell_um
    groups = min(16, rows)
    m = bench.run(
        "column", rows=rows, groups=groups, per=rows / groups, driver=max(2, rows / 8), load=load,
        wire_ohm=bench.wire_ohm_per_um * height, wire_farad=bench.wire_f_per_um * height,
        match_line_farad=cells * bench.wire_f_per_um / bench.wires * width * 1.3, **times,
    )  # fmt: skip
    if "tsl" not in m:
        raise BfimnaError(f"{bench.kit.name} ({bench.tagged}): no edge reaches row {rows}")
    charge = -m["qsl"] + (m["isl"] + m["isb"]) / 2 * times["t"]
    return charge * bench.supply_v / rows, m["tsl"]


def bit_line(bench: Bench, rows: int) -> float:
    """Simulate a full swing of a written column's bit line; return its energy per row in J."""
    times = pulses(bench, 200)
    m = bench.run(
        "bit_line", rows=rows, driver=max(2, rows / 8),
        wire_farad=bench.wire_f_per_um * bench.kit.cell_um[1], **times,
    )  # fmt: skip
    return (-m["qbp"] + m["ibp"] * times["t"] / 2) * bench.supply_v / rows


def bit_line_farad(bench: Bench, rows: int) -> float:
    """Capacitance of a bit line past `rows` rows, in F."""
    return rows * bench.wire_f_per_um * bench.kit.cell_um[1] * CROSSED


@dataclass(frozen=True)
class Write:
    """What a write of one tagged row takes: word line and cells in J, their delays in s.

    Attributes
    ----------
    line_j : of the word line and its driver. cells_j : of all cells, one of which flips.
    line_s : from the driver's edge to the far end. flip_s : from there until the bit is at 90 %.
    """

    line_j: float
    cells_j: float
    line_s: float
    flip_s: float


def word_line(bench: Bench, cells: int, rows: int = 0, pulse_fo4: float = WRITE_FO4) -> Write:
    """Simulate a write that flips one cell of a tagged row.

    Parameters
    ----------
    cells : attached to the word line.
    rows : on the bit lines; 0 leaves only the row's own, so that other columns take no energy.
    """
    times = pulses(bench, 60)
    times["t"] = 4 * times["tp"]
    width = bench.kit.cell_um[0]
    farad = bit_line_farad(bench, rows) if rows else 1e-18
    stores = bench.kit.stores
    m = bench.run(
        "word_line", n=cells, cells=word_cells(cells), bit_line_farad=farad,
        wire_ohm=bench.wire_ohm_per_um * width + 1e-3, wire_farad=bench.wire_f_per_um * width,
        driver=max(2, cells * stores / 8), pull=max(16, farad / 1e-15),
        pulse_s=pulse_fo4 * bench.fo4_s, **times,
    )  # fmt: skip
    if m.get("vend", 0.0) < 0.9 * bench.supply_v or "tfl" not in m or "twl" not in m:
        raise BfimnaError(
            f"{bench.kit.name} ({bench.tagged}): the cell does not flip: "
            f"{m.get('vend', 0.0):.3f} V after a pulse of {pulse_fo4:g} FO4"
        )
    window = 3 * times["tp"] + 4 * times["tr"]
    joule = {
        name: (-m[f"q{name}"] + m[f"i{name}"] * window) * bench.supply_v for name in ("wl", "cl")
    }
    return Write(joule["wl"], joule["cl"], m["twl"], m["tfl"])
