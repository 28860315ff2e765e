"""Measure a bench: the model's parameters under one condition, and the checks of a cell."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

from bfimna.characterise import cells, lines
from bfimna.characterise.cells import Disturb
from bfimna.characterise.decks import Bench
from bfimna.characterise.fits import Line, straight
from bfimna.characterise.lines import Match, Write
from bfimna.errors import BfimnaError

LENGTHS = (16, 40, 72)  # cells on a row
RESTORE_FO4 = 10.0  # after a cell has flipped, until its word line may fall
#: of the supply: the least that a matched line has at twice the time in which a mismatch is sensed
KEPT = 0.75
#: driven keys of the passes that a 2T2R cell is tried with
KEYS = (1, 2, 3, 4, 6, 8, 12, 16)
Thunk = Callable[[], Any]


@dataclass(frozen=True)
class Lines:
    """The runs of one condition: what lengths of lines take."""

    matches: Mapping[int, Match]
    search: tuple[float, float]
    writes: Mapping[int, Write]
    gate: tuple[float, float]
    bit_line_j: float
    leakage_w: float


@dataclass(frozen=True)
class Parameters:
    """Parameters of the technology table under one condition, in SI units, and the fits behind.

    Attributes
    ----------
    values : by name. fits : name → line.
    """

    values: Mapping[str, float]
    fits: Mapping[str, Line]


def tasks(bench: Bench, lengths: tuple[int, ...]) -> dict[tuple[str, int], Thunk]:
    """Return the runs of a condition, by line and length."""
    kit = bench.kit
    longest = lengths[-1]
    runs: dict[tuple[str, int], Thunk] = {
        ("match", n): partial(lines.match_line, bench, n, 1) for n in lengths
    }
    runs["search", 0] = partial(lines.column, bench, kit.rows, longest, "search")
    runs["leakage", 0] = partial(cells.leakage, bench)
    if kit.stores:
        runs |= {("write", n): partial(lines.word_line, bench, n) for n in lengths}
        runs["bit_line", 0] = partial(lines.bit_line, bench, kit.rows)
    if kit.cross_point:
        runs["gate", 0] = partial(lines.column, bench, kit.rows, longest, "gate")
    return runs


def collect(results: Mapping[tuple[str, int], Any]) -> Lines:
    """Return the runs of a condition from their results."""
    return Lines(
        matches={n: r for (name, n), r in results.items() if name == "match"},
        search=results["search", 0],
        writes={n: r for (name, n), r in results.items() if name == "write"},
        gate=results.get(("gate", 0), (0.0, 0.0)),
        bit_line_j=results.get(("bit_line", 0), 0.0),
        leakage_w=results["leakage", 0],
    )


def parameters(bench: Bench, runs: Lines) -> Parameters:
    """Return the model's parameters from a condition's runs."""
    kit, where = bench.kit, f"{bench.kit.name} ({bench.tagged})"
    lengths, rows = list(runs.matches), list(runs.matches.values())
    energy = straight(f"{where}: energy of a match line", lengths, [m.line_j for m in rows])
    time = straight(
        f"{where}: time of a compare", lengths, [m.sense_s + m.precharge_s for m in rows]
    )
    sense = sum(m.sense_j for m in rows) / len(rows)
    search_j, search_s = runs.search
    values = {
        "compare_time": time.intercept + search_s,
        "compare_time_per_attached_cell": time.slope,
        "compare_energy_per_row": energy.intercept + sense,
        "compare_energy_per_attached_cell": energy.slope,
        "compare_energy_per_key_cell": search_j,
        "read_energy_per_row": energy.intercept + sense + search_j,
        "shift_energy_per_tag": sense,
        "leakage_per_cell": runs.leakage_w,
    }
    fits = {"compare_energy_per_attached_cell": energy, "compare_time_per_attached_cell": time}
    if kit.stores:
        # cross-point cells charge a node between their transistors: the row's cells take energy too
        word = straight(f"{where}: energy of a tagged row in a write", list(runs.writes),
                        [w.line_j + w.cells_j for w in runs.writes.values()])  # fmt: skip
        last = runs.writes[lengths[-1]]
        values |= {
            "write_time": max(runs.gate[1], search_s) + last.line_s + last.flip_s
            + RESTORE_FO4 * bench.fo4_s,
            "write_energy_per_cell": word.intercept,
            "write_energy_per_attached_cell": word.slope,
            "write_energy_per_line_cell": kit.stores * runs.bit_line_j,
            "write_energy_per_gate_cell": runs.gate[0],
        }  # fmt: skip
        fits["write_energy_per_attached_cell"] = word
    else:
        values["write_energy_per_attached_cell"] = energy.slope
        values["write_energy_per_line_cell"] = search_j
        values["write_energy_per_gate_cell"] = 0.0
    for name in ("write_energy_per_attached_cell", "write_energy_per_line_cell"):
        values[name] *= (kit.write_v / kit.supply_v) ** 2
    if negative := [name for name, value in values.items() if value < 0]:
        raise BfimnaError(f"{where}: {negative[0]} is below 0: {values[negative[0]]:.3g}")
    return Parameters(values, fits)


def check_match(bench: Bench, miss: Match, cells_on_row: int, keys: int = lines.KEYS) -> Match:
    """Return a row that matches, or raise if its line does not keep its charge until sensed.

    Parameters
    ----------
    miss : a row that differs in one key; the match is looked at after twice its time.
    """
    hit = lines.match_line(bench, cells_on_row, 0, keys, 2 * miss.sense_s)
    if hit.end_v < KEPT * bench.supply_v:
        raise BfimnaError(
            f"{bench.kit.name} ({bench.tagged}): wrong tag: the line of a row that matches is at "
            f"{hit.end_v:.3f} V after {2e9 * miss.sense_s:.3g} ns"
        )
    return hit


def kept_by_keys(
    bench: Bench, miss: Match, cells_on_row: int, executor: Executor
) -> dict[int, float]:
    """Return what share of its charge a matched row of resistors keeps, by driven keys."""
    ends = executor.map(
        lambda keys: lines.match_line(bench, cells_on_row, 0, keys, 2 * miss.sense_s).end_v, KEYS
    )
    return {keys: volts / bench.supply_v for keys, volts in zip(KEYS, ends, strict=True)}


def check_disturb(bench: Bench) -> Disturb:
    """Return what tagged rows do to a column that is not written, or raise if a bit is lost."""
    kit, held = bench.kit, bench.kit.bit_lines == "held"
    # held lines take energy as long as a write lasts; floating ones lose most in the longest pulse
    pulse = lines.WRITE_FO4 if held else max(cells.PULSES_FO4)
    done = cells.disturb(bench, 1, 63, pulse, kit.rows, held=held)
    if done.lost:
        raise BfimnaError(
            f"{kit.name} ({bench.tagged}): disturb loses data: {done.lost} of "
            f"{done.ones + done.zeros} tagged rows lose a bit of a column that is not written; "
            "use a cross-point cell (12T, 20T) or hold its bit lines (bit_lines = 'held')"
        )
    return done
