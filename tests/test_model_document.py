"""The figures that docs/model.md states of parameters and results are those of the code and data.

A figure agrees if it is the computed one, rounded to the digits that are printed.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from reproduction.circuit import cam_arrays

import bfimna as bf
from bfimna import data
from bfimna.ap import counts as ap
from bfimna.cost import caveats, formulas
from bfimna.cost.power import PhasePower
from bfimna.mapping.chip import LIMITS

TEXT = (Path(__file__).parents[1] / "docs" / "model.md").read_text(encoding="utf-8")
LINES = TEXT.splitlines()
LR = bf.Chip.paper()
SRAM, FITTED = (bf.load_technology(name) for name in ("sram-14nm-lstp", "sram-published-fit"))
NUMBER = r"([−-]?\d+(?:\.\d+)?)"
FEMTO, NANO = 1e-15, 1e-9
CELLS = {
    "sram-14nm-lstp": "SRAM 16T, 14 nm LSTP",
    "sram-14nm-hp": "SRAM 16T, 14 nm HP",
    "sram-22nm-lstp": "SRAM 16T, 22 nm LSTP",
    "reram-14nm-lstp": "ReRAM 2T2R, 14 nm LSTP",
    "reram-22nm-lstp": "ReRAM 2T2R, 22 nm LSTP",
}


def numbers(text):
    return re.findall(NUMBER, text.replace("−", "-"))


def row(start):
    """Return the cells after the first of the one table row that begins with a text."""
    (found,) = [line for line in LINES if line.strip().startswith(f"| {start} |")]
    return [cell.strip() for cell in found.strip().strip("|").split("|")][1:]


def sentence(pattern):
    """Return the figures of the one place where a pattern, ``#`` for a figure, stands."""
    flat = re.sub(r"\s+", " ", TEXT)
    (found,) = re.findall(re.escape(pattern).replace(r"\#", NUMBER).replace(r"\ ", " "), flat)
    return found if isinstance(found, tuple) else (found,)


def assert_rounded(printed, values):
    for text, value in zip(printed, values, strict=True):
        digits = len(text.partition(".")[2])
        assert abs(float(text) - value) <= 0.501 * 10**-digits, (text, value)


@pytest.mark.parametrize("name", CELLS)
def test_the_tool_taken_apart(name):
    found = cam_arrays.fit_row_energies(cam_arrays.arrays_of(data.circuit_arrays(), name))
    cells = row(CELLS[name])
    assert_rounded(
        [n for cell in cells for n in numbers(cell)],
        [found.match_line_per_bit, found.match_line, found.precharge, found.sense, found.output,
         found.drive, found.write, found.write_per_bit],
    )  # fmt: skip


def test_what_an_event_takes():
    joules = formulas.event_joules(SRAM, LR.columns)
    events = {
        "a compared row": "compare_rows",
        "a compared row that matches": "rows_matched",
        "a driven key column, per row": "key_cells",
        "a tagged row, per write": "words_written",
        "a written cell": "cells_written",
        "a written column, per row that takes part, tagged or not": "lines_driven",
        "a loaded cell": "cells_loaded",
        "a read bit": "cells_read",
        "a shifted column tag": "tags_shifted",
    }
    for name, event in events.items():
        assert_rounded(numbers(row(name)[1]), [joules[event] / FEMTO])


def test_cycle_times():
    times = [formulas.cycle_seconds(SRAM, cells) for cells in (64, LR.columns)]
    printed = sentence(
        "a compare takes # ns and a write # ns at 64 columns, # and # ns at 72 (14 nm LSTP)"
    )
    assert_rounded(printed, [t[c] / NANO for t in times for c in ("compares", "writes")])
    printed = sentence("by the bank's latency a compare would take # ns")
    assert_rounded(printed, [times[1]["reads"] / NANO])
    arrays = cam_arrays.arrays_of(data.circuit_arrays(), "sram-14nm-lstp")
    ratios = arrays.read_latency_ns / arrays.search_latency_ns
    printed = sentence("# to # times as long over the SRAM arrays at 14 nm LSTP")
    assert_rounded(printed, [ratios.min(), ratios.max()])


def test_mats():
    arrays = cam_arrays.arrays_of(data.circuit_arrays(), "sram-14nm-lstp")
    search = arrays[arrays.bits == 16].set_index("words").search_latency_ns
    printed = sentence(
        "8 mats of # words would make a compare # times as long, 32 of # words # times"
    )
    assert_rounded(printed, [512, search[4096] / search[4800], 128, search[128] / search[256]])


def test_hardware_beside_the_cells():
    from_row = {
        "a row's selector, which picks its bit off the bus": [
            SRAM.pick_j_per_bit / FEMTO, SRAM.pick_m2_per_row / 1e-12],
        "key and mask registers, a bit each per column of a CAP": [
            SRAM.key_register_s / NANO, SRAM.key_register_j_per_bit / FEMTO],
        "a controller per cluster, which sends instructions to its CAPs": [
            SRAM.controller_j_per_cycle / 1e-12, *(x / 1e-12 for x in
            SRAM.ranges["controller_j_per_cycle"]), SRAM.controller_m2 * 1e6],
        "segment switches, one a cell": [
            SRAM.segment_switch_s / NANO, SRAM.segment_switch_j_per_cell / FEMTO],
        "a change between horizontal and vertical mode, two a fold of a reduction": [
            SRAM.mode_switch_s / NANO, SRAM.mode_switch_j_per_row / FEMTO],
    }  # fmt: skip
    for name, values in from_row.items():
        printed = [n for cell in row(name) for n in numbers(cell)]
        assert_rounded(printed[: len(values)], values)


def test_an_interval_s_causes():
    causes = {cause for _, cause in SRAM.draws.values()}
    tool = ("circuit tool, energies", "circuit tool, times")
    for cause in ("array wires", *tool, "segment switches"):
        assert cause in causes
        assert row(cause)
    low, high = SRAM.ranges["compare_j_per_key_cell"]
    assert_rounded(numbers(row("driven column")[0])[:2], [low / FEMTO, high / FEMTO])


def test_the_fit_beside_the_derived_parameters():
    program = ap.multiply(8, 8)
    passes, loads, reads, rows, pass_j, load_j, read_j = (
        [f(tech) for tech in (FITTED, SRAM)]
        for f in (
            lambda t: (
                sum(formulas.cycle_seconds(t, LR.columns)[c] for c in ("compares", "writes")) / NANO
            ),
            lambda t: formulas.cycle_seconds(t, LR.columns)["loads"] / NANO,
            lambda t: formulas.cycle_seconds(t, LR.columns)["reads"] / NANO,
            lambda t: formulas.event_joules(t, LR.columns)["compare_rows"] / FEMTO,
            lambda t: (
                formulas.energy(program.over(LR.product_rows), t, LR)
                / (program.compares * LR.product_rows)
                / FEMTO
            ),
            lambda t: formulas.event_joules(t, LR.columns)["cells_loaded"] / FEMTO,
            lambda t: formulas.event_joules(t, LR.columns)["cells_read"] / FEMTO,
        )
    )
    expected = {
        "time of a pass": (passes,),
        "time of a column moved": (loads, reads),
        "energy of a pass, per row": (rows, pass_j),
        "energy of a column moved, per row": (load_j, read_j),
    }
    for name, pairs in expected.items():
        fitted, derived, ratio = (numbers(cell) for cell in row(name))
        assert_rounded(fitted, [pairs[0][0]])
        assert_rounded(derived, [pair[1] for pair in pairs])
        assert_rounded(ratio, [pair[1] / pair[0] for pair in pairs])


def test_what_the_silent_assumptions_decide():
    def seconds(technology=SRAM, **chip):
        return bf.simulate("resnet18", 8, replace(LR, **chip), technology).latency_s

    base = seconds()
    printed = sentence(
        "ResNet18 at 8 bits takes # times as long on one-directional APs and # times without "
        "segments."
    )
    others = seconds(ap_kind="1d"), seconds(ap_kind="2d")
    assert_rounded(printed, [other / base for other in others])
    printed = sentence("one after the other, and ResNet18 at 8 bits takes # times as long")
    assert_rounded(printed, [seconds(load_mode="by row") / base])
    placed = bf.simulate("resnet18", 8, replace(LR, **dict.fromkeys(LIMITS)), SRAM).schedule
    loading = caveats.demands(placed, SRAM, PhasePower(placed))["load"].amount
    printed = sentence("is one cycle; it draws # kA for ResNet18 at 8 bits on LR")
    assert_rounded(printed, [loading / 1e3])


def test_the_other_orientation_of_a_write():
    program = ap.multiply(8, 8)
    own, tools = (formulas.write_energy(program, SRAM, LR, along_rows=x) for x in (False, True))
    printed = sentence("which is # times the energy of an 8 × 8 multiply's writes")
    assert_rounded(printed, [tools / own])


def test_the_fit_has_the_published_form():
    printed = sentence("the three efficiencies are met by #M² + #M fJ per MAC")
    seconds = [2 * LR.product_rows / bf.peak(bits, LR, FITTED).throughput_ops for bits in (8, 16)]
    joules = [2 / bf.peak(bits, LR, FITTED).efficiency_ops_per_w / FEMTO for bits in (8, 16)]
    # two equations a M² + b M = total at 8 and 16 bits
    a = (joules[1] / 16 - joules[0] / 8) / 8
    assert_rounded(printed, [a, joules[0] / 8 - 8 * a])
    assert seconds[1] / seconds[0] == pytest.approx((3 * 256 + 176) / (3 * 64 + 88), rel=1e-3)


def test_a_figure_that_is_off_by_its_last_digit_is_seen():
    with pytest.raises(AssertionError):
        assert_rounded(["12.9"], [13.0])
    assert_rounded(["12.9", "-0.29"], [12.94, -0.286])
