"""Prices: what each event of an AP and each moved bit costs, as numbers or as arrays.

A formula of `bfimna.cost.formulas` takes any `Prices`. A `Technology` has numbers; `stack` puts
several technologies on an axis, and `bfimna.technology.sampling` Monte Carlo samples of one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

import numpy as np

Price = float | np.ndarray
P = TypeVar("P", bound=Price, covariant=True)


@dataclass(frozen=True)
class LinkPrices(Generic[P]):
    """What moving bits costs, in SI units.

    Attributes
    ----------
    bus_j_per_bit : energy of a bit over a cluster's bus.
    mesh_j_per_bit_hop : energy of a bit over one hop of the mesh, router and link.
    link_speed : share of the chip's `clock_hz` that bus and links reach.
    router_area_m2 : area of a router whose links are `router_bits` wide.
    router_bits : width that `router_area_m2` belongs to; the area scales with the chip's width.
    dram_j_per_bit : energy of a bit from DRAM.
    dram_bytes_per_s : bandwidth of the DRAM.
    multicast_j_per_bit_cap : energy to bring a bit on a cluster's bus to one CAP's rows; a bit that
        is multicast goes to every CAP of the cluster.
    """

    bus_j_per_bit: P
    mesh_j_per_bit_hop: P
    link_speed: P
    router_area_m2: P
    router_bits: P
    dram_j_per_bit: P
    dram_bytes_per_s: P
    multicast_j_per_bit_cap: P


@dataclass(frozen=True, kw_only=True)
class Prices(Generic[P]):
    """What each event of an AP costs at one logic supply, in SI units; model document, section 2.

    A cycle's time is of all rows at once. Times and energies have a part that every event pays and
    a part for every cell attached to the line that moves: `chip.columns` cells to a row's match
    or word line, the rows of a segment to a column's in vertical mode.

    Attributes
    ----------
    compare_s, write_s, load_s, read_s : seconds of a cycle without the attached cells' part.
    compare_s_per_cell, write_s_per_cell, load_s_per_cell, read_s_per_cell : seconds that each
        attached cell adds.
    shift_s : seconds of a shift of the column tags.
    compare_j_per_row : joules of a match line's precharge, sensing and output.
    compare_j_per_attached_cell : joules to recharge a match line, per cell.
    match_kept : share of a match line's charge that a row keeps where it matches.
    match_saves_j_per_row : joules of sensing that a row saves where it matches.
    compare_j_per_key_cell : joules to drive a key column past one row.
    broadcast_j_per_key_cell : joules to bring the key to the array, per driven column and row.
    write_j_per_cell : joules of a written cell itself.
    write_j_per_attached_cell : joules of a tagged row's word line, per cell, once per write.
    write_along_rows : share of a word line's energy that each written cell takes anew. 0: data
        comes along the columns, the word line is driven once per write; 1: along the rows.
    write_j_per_line_cell : joules to drive a written column past one row, tagged or not.
    write_j_per_gate_cell : joules of the line beside it that opens the column's cross-point cells.
    write_j_per_held_cell : joules of a cell that a tagged row opens onto a held bit line and does
        not write; 0 in cross-point cells, whose column keeps it shut.
    load_j_per_cell : joules of a loaded cell itself.
    load_j_per_attached_cell : joules of the line that brings a row its own bit, per cell.
    read_j_per_row : joules to read a row's bit of one column, without its match line.
    read_j_per_attached_cell : joules of that match line, per cell.
    shift_j_per_tag : joules to shift one column tag.
    idle_rows : share of the rows without data that are precharged all the same (0: gated).
    leakage_w_per_cell : watts that a cell leaks, periphery included.
    area_m2_per_cell : area of a cell, periphery included.
    cross_point_area_factor : area of a CAP's cell that its column can keep shut over one without.
    vertical_energy_factor : energy of a cell attached to a column's line over one on a row's.
    vertical_time_factor : delay of a row attached to a column's line over a cell on a row's.
    vertical_mat_s : seconds that a vertical cycle takes longer each time that the mats which its
        segment spans double.
    vertical_area_factor : area of a CAP's cell with a second set of lines and tags over one of 1D.
    segment_switch_s : seconds to cut a column's lines anew, for each level of a reduction.
    segment_switch_j_per_cell : joules of that, per attached cell.
    segment_switch_m2_per_cell : area of the switches, per cell of a CAP with segments.
    mode_switch_s : seconds of a change between horizontal and vertical mode.
    mode_switch_j_per_row : joules of a change, per row that takes part.
    latch_s : seconds that a loaded column takes longer, since it leaves staging latches.
    latch_j_per_bit : joules to fill a staging latch with one bit.
    latch_m2_per_bit, latch_w_per_bit : area and leakage of a latch.
    pick_j_per_bit : joules for a row to pick its bit off the bus.
    pick_m2_per_row : area of the selector beside a CAP's row.
    key_register_s : seconds that key and mask registers add to each cycle.
    key_register_j_per_bit : joules of a register bit, per cycle; a CAP has two for each column.
    key_register_m2_per_bit, key_register_w_per_bit : area and leakage of such a bit.
    controller_j_per_cycle : joules of a cluster's controller, which brings each instruction to its
        CAPs.
    controller_m2, controller_w : area and leakage of a controller.
    supply_v : the logic supply itself, in V.
    interconnect : what moving bits costs.
    """

    compare_s: P
    compare_s_per_cell: P
    write_s: P
    write_s_per_cell: P
    load_s: P
    load_s_per_cell: P
    read_s: P
    read_s_per_cell: P
    shift_s: P
    compare_j_per_row: P
    compare_j_per_attached_cell: P
    match_kept: P
    match_saves_j_per_row: P
    compare_j_per_key_cell: P
    broadcast_j_per_key_cell: P
    write_j_per_cell: P
    write_j_per_attached_cell: P
    write_along_rows: P
    write_j_per_line_cell: P
    write_j_per_gate_cell: P
    write_j_per_held_cell: P
    load_j_per_cell: P
    load_j_per_attached_cell: P
    read_j_per_row: P
    read_j_per_attached_cell: P
    shift_j_per_tag: P
    idle_rows: P
    leakage_w_per_cell: P
    area_m2_per_cell: P
    cross_point_area_factor: P
    vertical_energy_factor: P
    vertical_time_factor: P
    vertical_mat_s: P
    vertical_area_factor: P
    segment_switch_s: P
    segment_switch_j_per_cell: P
    segment_switch_m2_per_cell: P
    mode_switch_s: P
    mode_switch_j_per_row: P
    latch_s: P
    latch_j_per_bit: P
    latch_m2_per_bit: P
    latch_w_per_bit: P
    pick_j_per_bit: P
    pick_m2_per_row: P
    key_register_s: P
    key_register_j_per_bit: P
    key_register_m2_per_bit: P
    key_register_w_per_bit: P
    controller_j_per_cycle: P
    controller_m2: P
    controller_w: P
    supply_v: P
    interconnect: LinkPrices[P]


#: a price list of numbers, of arrays, or of both
AnyPrices = Prices[Price]
LINK_PRICES = tuple(field.name for field in fields(LinkPrices))
EVENT_PRICES = tuple(
    field.name for field in fields(Prices) if field.name not in ("supply_v", "interconnect")
)


def stack(price_lists: Sequence[AnyPrices]) -> AnyPrices:
    """Return price lists of numbers as one, with arrays of shape (lists, 1).

    A number that all of them share stays a number.
    """

    def stacked(numbers: list[Any]) -> Price:
        same = all(number == numbers[0] for number in numbers)
        return numbers[0] if same else np.array(numbers)[:, None]

    return _merged(price_lists, stacked)


def with_layer_axis(prices: AnyPrices) -> AnyPrices:
    """Return the prices with one more axis, of length 1, behind those that they have."""

    def widened(values: list[Price]) -> Price:
        (value,) = values
        return value[..., None] if isinstance(value, np.ndarray) else value

    return _merged([prices], widened)


def _merged(price_lists: Sequence[AnyPrices], merge: Callable[[list[Any]], Price]) -> AnyPrices:
    """Return one price list, each price merged from those of the lists."""

    def merged(items: Sequence[object], names: Sequence[str]) -> dict[str, Any]:
        return {name: merge([getattr(item, name) for item in items]) for name in names}

    links = LinkPrices[Price](
        **merged([prices.interconnect for prices in price_lists], LINK_PRICES)
    )
    return Prices(**merged(price_lists, (*EVENT_PRICES, "supply_v")), interconnect=links)
