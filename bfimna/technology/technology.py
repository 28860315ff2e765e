"""Technology: what one event of an associative processor costs, at a supply voltage."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

from bfimna.display import html_table, quantity, unit_of
from bfimna.errors import BfimnaError, one_of, shown
from bfimna.technology.check import check_amounts
from bfimna.technology.interconnect import Interconnect

Corner = Literal["optimistic", "pessimistic"]
LOWEST_V, HIGHEST_V = 0.5, 1.0

#: fields that follow the logic supply, and the writes, which do so on volatile cells only
LOGIC_TIMES = ("compare_s", "compare_s_per_cell", "read_s", "read_s_per_cell", "shift_s")
WRITE_TIMES = ("write_s", "write_s_per_cell", "load_s", "load_s_per_cell")
LOGIC_ENERGIES = (
    "compare_j_per_row",
    "compare_j_per_attached_cell",
    "compare_j_per_key_cell",
    "broadcast_j_per_key_cell",
    "read_j_per_row",
    "read_j_per_attached_cell",
    "shift_j_per_tag",
)
WRITE_ENERGIES = (
    "write_j_per_cell",
    "write_j_per_attached_cell",
    "write_j_per_line_cell",
    "load_j_per_cell",
    "load_j_per_attached_cell",
)


@dataclass(frozen=True, repr=False)
class Technology:
    """Cost of each event in SI units; model document, section 2.

    A cycle's time is of all rows at once. Times and energies have a part that every event pays and
    a part for every cell attached to the line that moves: `chip.columns` cells to a row's match
    or word line, the rows of a segment to a column's in vertical mode.

    Attributes
    ----------
    name : what results call it.
    nominal_supply_v : supply that the table's figures belong to.
    supply_v : supply that the figures of this object belong to.
    threshold_v : threshold of the device class, in V.
    alpha : of the alpha-power law, delay ∝ V / (V - threshold_v)^alpha.
    write_scales : whether writes follow the logic supply (SRAM) or are set by the device (ReRAM).
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
    endurance_writes : writes that a cell survives.
    vertical_rows : rows that a vertical cycle is timed for.
    vertical_energy_factor : energy of a cell attached to a column's line over one on a row's.
    vertical_area_factor : area of a cell with a second set of lines and tags over one without.
    interconnect : what moving bits costs.
    ranges : field → its (low, high).
    draws : field → (distribution, cause) of its range; see `data/README.md`.
    """

    name: str
    nominal_supply_v: float
    threshold_v: float
    alpha: float
    write_scales: bool
    compare_s: float
    compare_s_per_cell: float
    write_s: float
    write_s_per_cell: float
    load_s: float
    load_s_per_cell: float
    read_s: float
    read_s_per_cell: float
    shift_s: float
    compare_j_per_row: float
    compare_j_per_attached_cell: float
    compare_j_per_key_cell: float
    broadcast_j_per_key_cell: float
    write_j_per_cell: float
    write_j_per_attached_cell: float
    write_j_per_line_cell: float
    load_j_per_cell: float
    load_j_per_attached_cell: float
    read_j_per_row: float
    read_j_per_attached_cell: float
    shift_j_per_tag: float
    idle_rows: float
    leakage_w_per_cell: float
    area_m2_per_cell: float
    endurance_writes: float
    vertical_rows: float
    vertical_energy_factor: float
    vertical_area_factor: float
    interconnect: Interconnect
    supply_v: float = 0.0
    ranges: Mapping[str, tuple[float, float]] = field(
        default_factory=dict, compare=False, repr=False
    )
    draws: Mapping[str, tuple[str, str]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_amounts(f"technology {self.name!r}", self, above_zero=("nominal_supply_v",))
        if not self.supply_v:
            object.__setattr__(self, "supply_v", self.nominal_supply_v)
        self._check_threshold(self.supply_v)

    def _check_threshold(self, supply_v: float) -> None:
        if supply_v <= self.threshold_v:
            raise BfimnaError(
                f"supply {supply_v:g} V is at or below the threshold of {self.name}, "
                f"{self.threshold_v:g} V: no transistor switches"
            )

    def __repr__(self) -> str:
        return f"<Technology {self.name} at {self.supply_v:g} V>"

    def _repr_html_(self) -> str:
        rows = []
        for part in (self, self.interconnect):
            for name in (f.name for f in fields(part) if f.type in ("float", float)):
                values = (getattr(part, name), *part.ranges.get(name, ()))
                rows.append((name, *(quantity(value, unit_of(name)) for value in values)))
        return html_table(repr(self)[1:-1], ("parameter", "value", "low", "high"), rows)

    def at_supply(self, supply_v: float) -> "Technology":
        """Return the technology at another logic supply.

        Energy ∝ V², leakage power ∝ V, delay by the alpha-power law; a non-volatile cell's writes
        are set by its device and stay. Interconnect keeps its own supply.

        Raises
        ------
        BfimnaError
            At or below the threshold voltage, or outside 0.5 to 1.0 V.
        """
        try:
            supply_v = float(supply_v)
        except (TypeError, ValueError, OverflowError):
            raise BfimnaError(f"supply must be a voltage in V, not {shown(supply_v)}") from None
        self._check_threshold(supply_v)
        if not LOWEST_V <= supply_v <= HIGHEST_V:
            raise BfimnaError(
                f"supply must be from {LOWEST_V} to {HIGHEST_V} V, not {supply_v:g} V"
            )
        scale = self._scale(supply_v)
        scaled: dict[str, Any] = {
            name: getattr(self, name) * factor for name, factor in scale.items()
        }
        ranges = {
            name: (low * scale.get(name, 1.0), high * scale.get(name, 1.0))
            for name, (low, high) in self.ranges.items()
        }
        return replace(self, **scaled, supply_v=supply_v, ranges=ranges)

    def _scale(self, supply_v: float) -> dict[str, float]:
        energy = (supply_v / self.supply_v) ** 2
        slower = delay(supply_v, self.threshold_v, self.alpha)
        slower /= delay(self.supply_v, self.threshold_v, self.alpha)
        scale = dict.fromkeys(LOGIC_TIMES, slower) | dict.fromkeys(LOGIC_ENERGIES, energy)
        scale["leakage_w_per_cell"] = supply_v / self.supply_v
        if self.write_scales:
            scale |= dict.fromkeys(WRITE_TIMES, slower) | dict.fromkeys(WRITE_ENERGIES, energy)
        return scale

    def corner(self, corner: Corner) -> "Technology":
        """Return the technology with every parameter at the cheap or at the dear end of its range.

        All ends at once: an outer bound, wider than any likely combination. Supply and threshold
        stay as they are; choose a supply first.
        """
        one_of("corner", corner, get_args(Corner))
        links = replace(
            self.interconnect, **_ends(self.interconnect.ranges, corner), ranges={}, draws={}
        )
        ends = _ends(self.ranges, corner)
        return replace(
            self, name=f"{self.name} ({corner})", **ends, interconnect=links, ranges={}, draws={}
        )


def delay(supply_v: float, threshold_v: float, alpha: float) -> float:
    """Return a gate's delay by the alpha-power law, up to a constant.

    >>> delay(0.6, 0.3, 1.0)
    2.0
    """
    return supply_v / (supply_v - threshold_v) ** alpha


def _ends(ranges: Mapping[str, tuple[float, float]], corner: Corner) -> dict[str, Any]:
    more_is_better = ("endurance_writes", "dram_bytes_per_s", "link_speed")
    ends: dict[str, Any] = {}
    for name, (low, high) in ranges.items():
        if name not in ("nominal_supply_v", "threshold_v", "alpha"):
            cheap, dear = (high, low) if name in more_is_better else (low, high)
            ends[name] = cheap if corner == "optimistic" else dear
    return ends
