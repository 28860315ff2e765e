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
    """

    bus_j_per_bit: P
    mesh_j_per_bit_hop: P
    link_speed: P
    router_area_m2: P
    router_bits: P
    dram_j_per_bit: P
    dram_bytes_per_s: P


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
    compare_j_per_attached_cell : joules to recharge a match line, per cell; none where it matched.
    compare_j_per_key_cell : joules to drive a key column past one row.
    broadcast_j_per_key_cell : joules to bring the key to the array, per driven column and row.
    write_j_per_cell : joules of a written cell itself.
    write_j_per_attached_cell : joules of a tagged row's word line, per cell, once per write.
    write_j_per_line_cell : joules to drive a written column past one row, tagged or not.
    load_j_per_cell : joules of a loaded cell itself.
    load_j_per_attached_cell : joules of the line that brings a row its own bit, per cell.
    read_j_per_row : joules to read a row's bit of one column, without its match line.
    read_j_per_attached_cell : joules of that match line, per cell.
    shift_j_per_tag : joules to shift one column tag.
    idle_rows : share of the rows without data that are precharged all the same (0: gated).
    leakage_w_per_cell : watts that a cell leaks, periphery included.
    area_m2_per_cell : area of a cell, periphery included.
    vertical_rows : rows that a vertical cycle is timed for.
    vertical_energy_factor : energy of a cell attached to a column's line over one on a row's.
    vertical_area_factor : area of a cell with a second set of lines and tags over one without.
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
    compare_j_per_key_cell: P
    broadcast_j_per_key_cell: P
    write_j_per_cell: P
    write_j_per_attached_cell: P
    write_j_per_line_cell: P
    load_j_per_cell: P
    load_j_per_attached_cell: P
    read_j_per_row: P
    read_j_per_attached_cell: P
    shift_j_per_tag: P
    idle_rows: P
    leakage_w_per_cell: P
    area_m2_per_cell: P
    vertical_rows: P
    vertical_energy_factor: P
    vertical_area_factor: P
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
