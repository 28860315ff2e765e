"""Prices of a cycle and of an event, in horizontal and in vertical mode.

Model document, sections 2 and 3. `bfimna.cost.formulas` multiplies them by counts.
"""

from bfimna.ap.counts import CYCLES, Amount
from bfimna.mapping.chip import Chip
from bfimna.mapping.work import Mode, Vertical
from bfimna.technology.prices import AnyPrices, Price


def cycle_seconds(prices: AnyPrices, cells: Amount) -> dict[str, Price]:
    """Seconds of each kind of cycle where `cells` are attached to the line that moves.

    Each takes its key from a register, a load its bits from latches.
    """
    p = prices
    key = p.key_register_s
    return {
        "compares": p.compare_s + p.compare_s_per_cell * cells + key,
        "writes": p.write_s + p.write_s_per_cell * cells + key,
        "loads": p.load_s + p.load_s_per_cell * cells + key + p.latch_s,
        "reads": p.read_s + p.read_s_per_cell * cells + key,
        "shifts": p.shift_s + key,
    }


def event_joules(prices: AnyPrices, cells: Price) -> dict[str, Price]:
    """Joules of each event where `cells` are attached to a match or word line.

    A line that matched stays charged, so the next compare need not charge it. A cell that a tagged
    row opens and does not write takes `write_j_per_held_cell`.
    """
    p = prices
    match_line, word_line = (
        p.compare_j_per_attached_cell * cells,
        p.write_j_per_attached_cell * cells,
    )
    gate, held, along = p.write_j_per_gate_cell, p.write_j_per_held_cell, p.write_along_rows
    load_line = p.load_j_per_attached_cell * cells
    staged = p.latch_j_per_bit + p.pick_j_per_bit
    return {
        "compare_rows": p.compare_j_per_row + match_line,
        "rows_matched": -p.match_kept * match_line - p.match_saves_j_per_row,
        "key_cells": p.compare_j_per_key_cell + p.broadcast_j_per_key_cell,
        "cells_written": p.write_j_per_cell + along * word_line - held,
        "words_written": (1.0 - along) * word_line + held * cells,
        "lines_driven": p.write_j_per_line_cell + gate,
        "cells_loaded": p.load_j_per_cell + load_line + gate + held * (cells - 1) + staged,
        "cells_read": p.read_j_per_row + p.read_j_per_attached_cell * cells,
        "tags_shifted": p.shift_j_per_tag,
    }


def control_joules(prices: AnyPrices, chip: Chip) -> Price:
    """Joules of a cycle on all CAPs whatever it does: controllers, key and mask registers."""
    registers = chip.caps_per_cluster * 2 * chip.columns * prices.key_register_j_per_bit
    return chip.clusters * (prices.controller_j_per_cycle + registers)


def phase_seconds(prices: AnyPrices, chip: Chip, mode: Mode) -> dict[str, Price]:
    """Seconds of each kind of cycle in a mode.

    In vertical mode the rows of a segment within a mat are attached; a segment over several mats
    is sensed in each, and joined pairwise. A shift of the tags ends a level of a reduction: the
    segments are cut anew for the next one.
    """
    if not isinstance(mode, Vertical):
        return row_seconds(prices, chip)
    joining = mode.mats * prices.vertical_mat_s
    seconds = cycle_seconds(prices, mode.span * prices.vertical_time_factor)
    seconds = {cycle: each + joining for cycle, each in seconds.items()}
    seconds["shifts"] = seconds["shifts"] - joining + cut_seconds(prices, chip)
    return seconds


def row_seconds(prices: AnyPrices, chip: Chip) -> dict[str, Price]:
    """Seconds of each kind of cycle on rows, and what each detached segment saves.

    A switch that a match line passes takes as long as a row on a column's line with its switch.
    """
    seconds = cycle_seconds(prices, chip.columns)
    if chip.match_segments is None:
        return seconds
    p, switch = prices, prices.vertical_time_factor
    passed = (chip.segments - 1) * switch
    seconds["compares"] = seconds["compares"] + p.compare_s_per_cell * passed
    seconds["reads"] = seconds["reads"] + p.read_s_per_cell * passed
    saved = p.compare_s_per_cell * (chip.match_segments + switch)
    return seconds | {"compares_cut": -saved, "cuts": p.segment_switch_s}


def row_joules(prices: AnyPrices, chip: Chip) -> dict[str, Price]:
    """Joules of each event on rows, and what each detached segment saves; see `row_seconds`.

    The switch of each row is set where its match line is cut.
    """
    joules = event_joules(prices, chip.columns)
    if chip.match_segments is None:
        return joules
    p, switch = prices, prices.vertical_energy_factor
    passed = (chip.segments - 1) * switch
    line = p.compare_j_per_attached_cell * passed
    joules["compare_rows"] = joules["compare_rows"] + line
    joules["rows_matched"] = joules["rows_matched"] - p.match_kept * line
    joules["cells_read"] = joules["cells_read"] + p.read_j_per_attached_cell * passed
    saved = p.compare_j_per_attached_cell * (chip.match_segments + switch)
    setting = chip.product_rows * p.segment_switch_j_per_cell + control_joules(prices, chip)
    cut = {"rows_cut": -saved, "matches_cut": p.match_kept * saved, "cuts": setting}
    return joules | cut


def cut_seconds(prices: AnyPrices, chip: Chip) -> Price:
    """Seconds to set the segment switches of a level, where there are any."""
    return prices.segment_switch_s if chip.ap_kind == "2d-segmented" else 0.0


def mode_seconds(entries: Amount, prices: AnyPrices) -> Price:
    """Seconds of changing to vertical mode and back so many times."""
    return 2.0 * entries * prices.mode_switch_s


def mode_joules(entered_rows: Amount, cut_rows: Amount, prices: AnyPrices, chip: Chip) -> Price:
    """Joules of rows that change to vertical mode and back, and whose segments are cut."""
    changed = 2.0 * entered_rows * prices.mode_switch_j_per_row
    return changed + cut_rows * chip.columns * prices.segment_switch_j_per_cell


def phase_joules(prices: AnyPrices, chip: Chip, mode: Mode) -> dict[str, Price]:
    """Joules of each event in a mode, and of each cycle."""
    if isinstance(mode, Vertical):
        events = event_joules(prices, mode.rows * prices.vertical_energy_factor)
    else:
        events = row_joules(prices, chip)
    events = events | dict.fromkeys(CYCLES, control_joules(prices, chip))
    if chip.latch == "booth":  # a bit passes a delay, the choice of a multiple and an inversion
        events["cells_loaded"] = events["cells_loaded"] + booth_joules(prices)
    return events


def booth_joules(prices: AnyPrices) -> Price:
    """Joules of a bit on its way through a Booth latch, as much as into and out of a plain one."""
    return prices.latch_j_per_bit + prices.pick_j_per_bit
