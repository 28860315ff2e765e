"""Technology: what one event of an associative processor costs, at a supply voltage."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args

from bfimna.errors import BfimnaError, unknown

Corner = Literal["optimistic", "pessimistic"]
LOWEST_V, HIGHEST_V = 0.5, 1.0


@dataclass(frozen=True)
class Technology:
    """Cost of each event in SI units; model document, section 2.

    Times are of one cycle on all rows at once. Energies are per row (match line), per cell, per
    driven key cell (key column × row), per bit moved. `ranges` holds each parameter's (low, high).

    Attributes
    ----------
    write_scales : whether writes follow the logic supply (SRAM) or are set by the device (ReRAM).
    threshold_v, alpha : of the alpha-power law, delay ∝ V / (V - threshold_v)^alpha.
    """

    name: str
    nominal_supply_v: float
    threshold_v: float
    alpha: float
    write_scales: bool
    compare_s: float
    write_s: float
    load_s: float
    read_s: float
    shift_s: float
    compare_j_per_row: float
    compare_j_per_key_cell: float
    write_j_per_cell: float
    load_j_per_cell: float
    read_j_per_row: float
    shift_j_per_tag: float
    leakage_w_per_cell: float
    area_m2_per_cell: float
    endurance_writes: float
    bus_j_per_bit: float
    mesh_j_per_bit_hop: float
    router_area_m2: float
    dram_j_per_bit: float
    dram_bytes_per_s: float
    supply_v: float = 0.0
    ranges: Mapping[str, tuple[float, float]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        if not self.supply_v:
            object.__setattr__(self, "supply_v", self.nominal_supply_v)

    def _delay(self, supply_v: float) -> float:
        return supply_v / (supply_v - self.threshold_v) ** self.alpha

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
        except (TypeError, ValueError):
            raise BfimnaError(f"supply must be a voltage in V, not {supply_v!r}") from None
        if supply_v <= self.threshold_v:
            raise BfimnaError(
                f"supply {supply_v:g} V is at or below the threshold of {self.name}, "
                f"{self.threshold_v:g} V: no transistor switches"
            )
        if not LOWEST_V <= supply_v <= HIGHEST_V:
            raise BfimnaError(
                f"supply must be from {LOWEST_V} to {HIGHEST_V} V, not {supply_v:g} V"
            )
        energy = (supply_v / self.supply_v) ** 2
        delay = self._delay(supply_v) / self._delay(self.supply_v)
        scale = dict.fromkeys(("compare_s", "read_s", "shift_s"), delay)
        scale |= dict.fromkeys(
            ("compare_j_per_row", "compare_j_per_key_cell", "read_j_per_row", "shift_j_per_tag"),
            energy,
        )
        scale["leakage_w_per_cell"] = supply_v / self.supply_v
        if self.write_scales:
            scale |= dict.fromkeys(("write_s", "load_s"), delay)
            scale |= dict.fromkeys(("write_j_per_cell", "load_j_per_cell"), energy)
        scaled = {name: getattr(self, name) * factor for name, factor in scale.items()}
        ranges = {
            name: (low * scale.get(name, 1.0), high * scale.get(name, 1.0))
            for name, (low, high) in self.ranges.items()
        }
        return replace(self, **scaled, supply_v=supply_v, ranges=ranges)

    def corner(self, corner: Corner) -> "Technology":
        """Return the technology with every parameter at the cheap or at the dear end of its range.

        Both ends at once: an outer bound, wider than any likely combination. Supply and threshold
        stay as they are; choose a supply first.
        """
        if corner not in get_args(Corner):
            raise unknown("corner", corner, get_args(Corner))
        more_is_better = ("endurance_writes", "dram_bytes_per_s")
        ends = {}
        for name, (low, high) in self.ranges.items():
            if name not in ("nominal_supply_v", "threshold_v", "alpha"):
                cheap, dear = (high, low) if name in more_is_better else (low, high)
                ends[name] = cheap if corner == "optimistic" else dear
        return replace(self, name=f"{self.name} ({corner})", **ends, ranges={})


PARAMETERS = tuple(f.name for f in fields(Technology))
